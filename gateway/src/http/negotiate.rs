//! Which of the two media types of GraphQL over HTTP the client gets.

use http::{HeaderMap, HeaderValue, header};

/// The answer's media type decides the status code of refused documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// `application/graphql-response+json`
    GraphqlResponse,
    /// `application/json`
    Json,
}

impl MediaType {
    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    /// The client's favourite; without any preference the older type, which every client reads.
    /// `None`: the client accepts neither.
    pub(crate) fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let mut ranges = headers.get_all(header::ACCEPT).iter().peekable();
        if ranges.peek().is_none() {
            return Some(Self::Json);
        }
        let mut best: Option<(Self, u16)> = None;
        for range in
            ranges.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','))
        {
            let Some((media_type, quality)) = parse_range(range) else { continue };
            if quality > 0 && best.is_none_or(|(_, other)| quality > other) {
                best = Some((media_type, quality));
            }
        }
        best.map(|(media_type, _)| media_type)
    }
}

/// One media range and its weight in thousandths.
fn parse_range(range: &str) -> Option<(MediaType, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next()?;
    let media_type = if name.eq_ignore_ascii_case("application/graphql-response+json") {
        MediaType::GraphqlResponse
    } else if ["application/json", "application/*", "*/*"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
    {
        MediaType::Json
    } else {
        return None;
    };
    let mut quality = 1_000;
    for parameter in parts {
        let Some((key, value)) = parameter.split_once('=') else { continue };
        match key.trim().to_ascii_lowercase().as_str() {
            "q" => quality = parse_quality(value.trim())?,
            "charset" if !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8") => {
                return None;
            }
            _ => {}
        }
    }
    Some((media_type, quality))
}

fn parse_quality(text: &str) -> Option<u16> {
    let weight: f32 = text.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=1000"
    )]
    let thousandths = (weight.clamp(0.0, 1.0) * 1_000.0).round() as u16;
    Some(thousandths)
}

/// Is the body JSON in UTF-8?
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let mut parts = content_type.split(';').map(str::trim);
    parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((key, value)) if key.trim().eq_ignore_ascii_case("charset") => {
                value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiate(accept: &str) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().expect("a header value"));
        MediaType::negotiate(&headers)
    }

    #[test]
    fn preferences_are_weighed() {
        use MediaType::{GraphqlResponse, Json};
        assert_eq!(MediaType::negotiate(&HeaderMap::new()), Some(Json));
        assert_eq!(negotiate("*/*"), Some(Json));
        assert_eq!(negotiate("application/graphql-response+json"), Some(GraphqlResponse));
        assert_eq!(
            negotiate("application/graphql-response+json, application/json;q=0.9"),
            Some(GraphqlResponse)
        );
        assert_eq!(negotiate("application/json, application/graphql-response+json"), Some(Json));
        assert_eq!(
            negotiate("application/graphql-response+json;q=0.1, application/json"),
            Some(Json)
        );
        assert_eq!(negotiate("text/html"), None);
        assert_eq!(negotiate("application/json;q=0"), None);
        assert_eq!(negotiate("application/json; charset=latin1"), None);
    }
}
