//! A strict reader of JSON text that hands out spans of the text instead of values.
//!
//! What it accepts is RFC 8259 in valid UTF-8, with two limits: nesting, and no unpaired
//! surrogates in escapes (they stand for no text). It knows nothing of GraphQL.

use std::borrow::Cow;

/// A part of the text: `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Why a text is not the JSON we accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonError {
    #[error("the text is not UTF-8")]
    NotUtf8,
    #[error("the text is larger than 4 GiB")]
    TooLarge,
    #[error("the text ends too early")]
    EndOfText,
    #[error("unexpected character at byte {at}")]
    Unexpected { at: usize },
    #[error("more than {limit} levels of nesting")]
    TooDeep { limit: usize },
}

/// The first character of a value decides what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Boolean(bool),
    Number,
    String,
    List,
    Object,
}

#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// Levels of nesting that may still be entered.
    levels: usize,
    limit: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a [u8], limit: usize) -> Result<Self, JsonError> {
        if u32::try_from(text.len()).is_err() {
            return Err(JsonError::TooLarge);
        }
        std::str::from_utf8(text).map_err(|_| JsonError::NotUtf8)?;
        Ok(Self { text, at: 0, levels: limit, limit })
    }

    /// Looks at the next value without reading it.
    pub(crate) fn peek(&mut self) -> Result<Kind, JsonError> {
        self.skip_space();
        match self.byte()? {
            b'n' => Ok(Kind::Null),
            b't' => Ok(Kind::Boolean(true)),
            b'f' => Ok(Kind::Boolean(false)),
            b'-' | b'0'..=b'9' => Ok(Kind::Number),
            b'"' => Ok(Kind::String),
            b'[' => Ok(Kind::List),
            b'{' => Ok(Kind::Object),
            _ => Err(self.unexpected()),
        }
    }

    /// Reads `null`, `true` or `false`, whichever [`Self::peek`] announced.
    pub(crate) fn literal(&mut self, kind: Kind) -> Result<(), JsonError> {
        let word: &[u8] = match kind {
            Kind::Null => b"null",
            Kind::Boolean(true) => b"true",
            Kind::Boolean(false) => b"false",
            Kind::Number | Kind::String | Kind::List | Kind::Object => {
                return Err(self.unexpected());
            }
        };
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    pub(crate) fn number(&mut self) -> Result<Span, JsonError> {
        let start = self.at;
        if self.byte()? == b'-' {
            self.at += 1;
        }
        if self.byte()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.span_from(start))
    }

    /// Reads a string; the span includes the quotes.
    pub(crate) fn string(&mut self) -> Result<Span, JsonError> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            self.at += plain_length(&self.text[self.at..]);
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    return Ok(self.span_from(start));
                }
                b'\\' => self.escape()?,
                0..0x20 => return Err(self.unexpected()),
                _ => self.at += 1,
            }
        }
    }

    /// Enters a list or an object. True if there is something in it.
    pub(crate) fn open(&mut self, kind: Kind) -> Result<bool, JsonError> {
        let (open, close) = if kind == Kind::List { (b'[', b']') } else { (b'{', b'}') };
        self.expect(open)?;
        self.levels = self.levels.checked_sub(1).ok_or(JsonError::TooDeep { limit: self.limit })?;
        self.skip_space();
        if self.byte()? == close {
            self.at += 1;
            self.levels += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// After an element or a member: true if another one follows, else the end is read.
    pub(crate) fn more(&mut self, kind: Kind) -> Result<bool, JsonError> {
        let close = if kind == Kind::List { b']' } else { b'}' };
        self.skip_space();
        let byte = self.byte()?;
        if byte == b',' {
            self.at += 1;
            self.skip_space();
            return Ok(true);
        }
        self.expect(close)?;
        self.levels += 1;
        Ok(false)
    }

    /// Reads a member's name and its colon; the span is the name with its quotes.
    pub(crate) fn key(&mut self) -> Result<Span, JsonError> {
        self.skip_space();
        let key = self.string()?;
        self.skip_space();
        self.expect(b':')?;
        Ok(key)
    }

    /// Reads a value of any kind and tells where it stands.
    pub(crate) fn skip(&mut self) -> Result<Span, JsonError> {
        let kind = self.peek()?;
        let start = self.at;
        match kind {
            Kind::Null | Kind::Boolean(_) => self.literal(kind)?,
            Kind::Number => {
                self.number()?;
            }
            Kind::String => {
                self.string()?;
            }
            Kind::List | Kind::Object => {
                let mut more = self.open(kind)?;
                while more {
                    if kind == Kind::Object {
                        self.key()?;
                    }
                    self.skip()?;
                    more = self.more(kind)?;
                }
            }
        }
        Ok(self.span_from(start))
    }

    /// Nothing but white space may follow.
    pub(crate) fn finish(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Reads these bytes if they are what comes next.
    pub(crate) fn take(&mut self, expected: &[u8]) -> bool {
        let next = self.text[self.at..].starts_with(expected);
        if next {
            self.at += expected.len();
        }
        next
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    /// Leaves out a value whose text is known to be good.
    pub(crate) fn pass(&mut self, length: usize) {
        self.at += length;
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn span_from(&self, start: usize) -> Span {
        Span { start: offset(start), end: offset(self.at) }
    }

    pub(crate) fn text(&self, span: Span) -> &'a [u8] {
        &self.text[span.start as usize..span.end as usize]
    }

    fn byte(&self) -> Result<u8, JsonError> {
        self.text.get(self.at).copied().ok_or(JsonError::EndOfText)
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.byte()? == byte {
            self.at += 1;
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !self.byte()?.is_ascii_digit() {
            return Err(self.unexpected());
        }
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        match self.byte()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => match self.code_unit()? {
                0xDC00..=0xDFFF => return Err(self.unexpected()),
                0xD800..=0xDBFF => {
                    self.expect(b'\\')?;
                    if !matches!(self.code_unit()?, 0xDC00..=0xDFFF) {
                        return Err(self.unexpected());
                    }
                }
                _ => {}
            },
            _ => return Err(self.unexpected()),
        }
        Ok(())
    }

    /// Reads `uXXXX`.
    fn code_unit(&mut self) -> Result<u16, JsonError> {
        self.expect(b'u')?;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.byte()?).to_digit(16).ok_or_else(|| self.unexpected())?;
            unit = unit << 4 | u16::try_from(digit).expect("a hexadecimal digit is below 16");
            self.at += 1;
        }
        Ok(unit)
    }

    fn skip_space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn unexpected(&self) -> JsonError {
        if self.at < self.text.len() {
            JsonError::Unexpected { at: self.at }
        } else {
            JsonError::EndOfText
        }
    }
}

/// How many bytes from here on can stand in a string as they are; looks at eight at a time.
fn plain_length(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    // The lowest byte that is zero gets its high bit; above it there may be false ones.
    let zeroes = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (words, rest) = text.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quotes = zeroes(word ^ (ONES * u64::from(b'"')));
        let escapes = zeroes(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let special = quotes | escapes | controls;
        if special != 0 {
            return at * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    words.len() * 8 + rest.iter().position(special).unwrap_or(rest.len())
}

/// What stands between the quotes of a string that a [`Reader`] has read.
pub(crate) fn unquote(string: &[u8]) -> Cow<'_, [u8]> {
    let inner = string.get(1..string.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    match serde_json::from_slice::<String>(string) {
        Ok(text) => Cow::Owned(text.into_bytes()),
        Err(_) => Cow::Borrowed(inner),
    }
}

/// Appends a string literal.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string can always be written into memory");
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("the reader refuses texts of 4 GiB")
}
