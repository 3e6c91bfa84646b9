//! Descriptions: there, and written as such.

use super::element::{Element, Named};
use super::{Context, Edit, Rule};

pub(super) fn check(context: &mut Context<'_>) {
    for element in context.elements.clone() {
        let documentable = !element.is_extension();
        let described = element.description.is_some_and(|text| !text.trim().is_empty());
        let comment = comment_above(context, &element);
        if let (Some(comment), false) = (&comment, described)
            && documentable
        {
            let message =
                format!("the comment above `{}` is not seen by clients", element.coordinate);
            let edit = Edit { span: comment.span.clone(), text: comment.as_description() };
            context.report_with_fix(Rule::NoHashtagDescription, &element, message, vec![edit]);
        }
        if documentable && !described {
            let message = format!("`{}` has no description", element.coordinate);
            if matches!(element.named, Named::Type(_)) {
                context.report(Rule::AllTypesRequireDescription, &element, message.clone());
            }
            context.report(Rule::AllElementsRequireDescription, &element, message);
        }
        style(context, &element);
    }
}

/// Lines of comments directly above an element.
struct Comment {
    span: std::ops::Range<usize>,
    indent: String,
    lines: Vec<String>,
}

impl Comment {
    fn as_description(&self) -> String {
        let Self { indent, lines, span: _ } = self;
        let text = lines.join(&format!("\n{indent}")).replace("\"\"\"", "\\\"\"\"");
        format!("{indent}\"\"\"\n{indent}{text}\n{indent}\"\"\"")
    }
}

fn comment_above(context: &Context<'_>, element: &Element<'_>) -> Option<Comment> {
    let sdl = context.sources[element.document].sdl;
    let start = element.span?.offset();
    let line_start = sdl[..start].rfind('\n').map_or(0, |end| end + 1);
    let indent = &sdl[line_start..start];
    // Something else stands before it on the same line.
    if !indent.trim().is_empty() {
        return None;
    }
    let mut lines = Vec::new();
    let mut from = line_start;
    while from > 0 {
        let previous = sdl[..from - 1].rfind('\n').map_or(0, |end| end + 1);
        let line = sdl[previous..from - 1].trim();
        let Some(comment) = line.strip_prefix('#') else { break };
        // Instructions to tools are no descriptions.
        if comment.trim_start().starts_with(['!', '-', '=', '#']) || comment.trim().is_empty() {
            break;
        }
        lines.push(comment.trim().to_owned());
        from = previous;
    }
    lines.reverse();
    (!lines.is_empty()).then(|| Comment {
        span: from..line_start.saturating_sub(1),
        indent: indent.to_owned(),
        lines,
    })
}

fn style<'c>(context: &mut Context<'c>, element: &Element<'c>) {
    let (Some(description), Some(span)) = (element.description, element.span) else { return };
    let sdl = context.sources[element.document].sdl;
    let Some(written) = description.location() else { return };
    let text = &sdl[written.offset()..written.end_offset()];
    if text.starts_with("\"\"\"") || !text.starts_with('"') || written.offset() != span.offset() {
        return;
    }
    let block = format!("\"\"\"{}\"\"\"", description.replace("\"\"\"", "\\\"\"\""));
    let safe = !description.contains(['\\', '\n']) && !description.ends_with('"');
    let fix = if safe {
        vec![Edit { span: written.offset()..written.end_offset(), text: block }]
    } else {
        Vec::new()
    };
    let message = format!("the description of `{}` should be a block string", element.coordinate);
    context.report_with_fix(Rule::DescriptionStyle, element, message, fix);
}
