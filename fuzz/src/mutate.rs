//! Makes new inputs from old ones.

pub struct Mutator {
    corpus: Vec<String>,
    /// Tokens of all texts: names, punctuation, strings.
    tokens: Vec<String>,
    state: u64,
}

impl Mutator {
    pub fn new(corpus: Vec<String>, seed: u64) -> Self {
        let mut tokens: Vec<String> = corpus.iter().flat_map(|text| tokens(text)).collect();
        tokens.sort();
        tokens.dedup();
        Self { corpus, tokens, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// Up to three subgraphs.
    pub fn next_input(&mut self) -> Vec<String> {
        let count = 1 + self.below(3);
        let mut texts: Vec<String> = (0..count).map(|_| self.pick()).collect();
        for _ in 0..self.below(6) {
            let index = self.below(texts.len());
            let text = std::mem::take(&mut texts[index]);
            texts[index] = self.change(text);
        }
        texts
    }

    fn change(&mut self, text: String) -> String {
        match self.below(8) {
            0 => self.change_bytes(text),
            1 => {
                let other = self.pick();
                self.change_lines(&text, &other)
            }
            2 => text + "\n" + &self.pick(),
            _ => self.change_tokens(&text),
        }
    }

    fn change_tokens(&mut self, text: &str) -> String {
        let mut all = tokens(text);
        for _ in 0..=self.below(3) {
            if all.is_empty() {
                break;
            }
            let (at, from) = (self.below(all.len()), self.below(all.len()));
            match self.below(5) {
                0 => drop(all.remove(at)),
                1 => all.insert(at, all[from].clone()),
                2 => all.swap(at, from),
                3 => all[at] = self.token(),
                _ => {
                    let token = self.token();
                    all.insert(at, token);
                }
            }
        }
        all.join(" ")
    }

    fn change_lines(&mut self, text: &str, other: &str) -> String {
        let mut lines: Vec<&str> = text.lines().collect();
        let others: Vec<&str> = other.lines().collect();
        if lines.is_empty() || others.is_empty() {
            return other.to_owned();
        }
        let (at, from) = (self.below(lines.len()), self.below(others.len()));
        match self.below(3) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, others[from]),
            _ => lines[at] = others[from],
        }
        lines.join("\n")
    }

    fn change_bytes(&mut self, text: String) -> String {
        let mut bytes = text.into_bytes();
        for _ in 0..=self.below(4) {
            if bytes.is_empty() {
                break;
            }
            let at = self.below(bytes.len());
            match self.below(3) {
                0 => drop(bytes.remove(at)),
                1 => bytes.truncate(at),
                _ => bytes[at] = u8::try_from(self.below(256)).unwrap_or(0),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn pick(&mut self) -> String {
        let index = self.below(self.corpus.len());
        self.corpus[index].clone()
    }

    fn token(&mut self) -> String {
        let index = self.below(self.tokens.len());
        self.tokens[index].clone()
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 16).unwrap_or(0) % bound.max(1)
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        let mut token = String::from(first);
        if first.is_whitespace() || first == ',' {
            continue;
        }
        if first == '"' {
            for next in chars.by_ref() {
                token.push(next);
                if next == '"' || next == '\n' {
                    break;
                }
            }
        } else if first.is_alphanumeric() || matches!(first, '_' | '@' | '$') {
            while let Some(next) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                token.push(next);
            }
        }
        found.push(token);
    }
    found
}
