//! Lua patterns: a matcher that counts its steps, so that no pattern can hold a worker.
//!
//! It knows bytes only; what a match becomes in Lua is its caller's business.

#[cfg(test)]
mod tests;

/// Captures a pattern may have, as in the C library.
const MAX_CAPTURES: usize = 32;

/// How deep the parts of a pattern may depend on each other, as in the C library.
const MAX_DEPTH: u32 = 200;

/// Why there is neither a match nor none.
#[derive(Debug)]
pub(super) enum Fault {
    /// The pattern is wrong; what the error says.
    Pattern(String),
    /// It took too long; the error to raise.
    TooLong(mlua::Error),
}

fn wrong<T>(text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Pattern(text.into()))
}

/// Something that was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Capture {
    /// A place, counted from 0.
    Position(usize),
    /// A stretch of the subject.
    Text(usize, usize),
    /// Opened at a place and not closed.
    Open(usize),
}

/// Watches over a matcher, so that it does not take too long.
pub(super) trait Watch {
    /// Takes note of a step that looks at so many bytes.
    ///
    /// # Errors
    /// The error to raise when there have been too many.
    fn step(&mut self, bytes: usize) -> mlua::Result<()>;

    /// Whether what can be gone on with later should be.
    fn is_tired(&self) -> bool;
}

/// What a search found.
pub(super) enum Found {
    /// A match, from where to where.
    Match(usize, usize),
    /// None.
    Nothing,
    /// None before this place; it should be gone on from there later.
    NotYet(usize),
}

/// Matches one pattern against one subject.
pub(super) struct Matcher<'a, W> {
    subject: &'a [u8],
    pattern: &'a [u8],
    captures: [Capture; MAX_CAPTURES],
    level: usize,
    depth: u32,
    watch: W,
}

impl<'a, W: Watch> Matcher<'a, W> {
    /// A matcher that is watched.
    pub(super) fn new(subject: &'a [u8], pattern: &'a [u8], watch: W) -> Self {
        Self { subject, pattern, captures: [Capture::Open(0); MAX_CAPTURES], level: 0, depth: 0, watch }
    }

    /// The first match from `from` on that does not end at `last`; an anchored one only at `from`.
    pub(super) fn search(&mut self, from: usize, last: Option<usize>, anchored: bool) -> Result<Found, Fault> {
        for start in from..=self.subject.len() {
            match self.match_at(start)? {
                Some(stop) if Some(stop) != last => return Ok(Found::Match(start, stop)),
                _ if anchored => break,
                // Behind the last place there is nothing to go on with.
                _ if start < self.subject.len() && self.watch.is_tired() => return Ok(Found::NotYet(start + 1)),
                _ => {}
            }
        }
        Ok(Found::Nothing)
    }

    /// The end of the match that begins at `start`, if there is one. The captures are those of this match then.
    fn match_at(&mut self, start: usize) -> Result<Option<usize>, Fault> {
        self.level = 0;
        self.depth = 0;
        self.follow(start, 0)
    }

    /// How many captures the last match has.
    pub(super) fn level(&self) -> usize {
        self.level
    }

    /// Capture `i` of the last match, from 0; the whole match where the pattern has no captures.
    pub(super) fn capture(&self, i: usize, start: usize, stop: usize) -> Result<Capture, Fault> {
        if i >= self.level {
            return if i == 0 {
                Ok(Capture::Text(start, stop))
            } else {
                wrong(format!("invalid capture index %{}", i + 1))
            };
        }
        match self.captures[i] {
            Capture::Open(_) => wrong("unfinished capture"),
            capture => Ok(capture),
        }
    }

    /// Counts a step of what is done with a match.
    pub(super) fn step(&mut self) -> Result<(), Fault> {
        // At worst it scans a set that is the whole pattern.
        self.watch.step(self.pattern.len()).map_err(Fault::TooLong)
    }

    fn at(&self, p: usize) -> Option<u8> {
        self.pattern.get(p).copied()
    }

    /// Matches the pattern from `p` on against the subject from `s` on.
    fn follow(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault> {
        if self.depth == MAX_DEPTH {
            return wrong("pattern too complex");
        }
        self.depth += 1;
        let end = self.follow_on(s, p);
        self.depth -= 1;
        end
    }

    fn follow_on(&mut self, mut s: usize, mut p: usize) -> Result<Option<usize>, Fault> {
        loop {
            self.step()?;
            let Some(item) = self.at(p) else { return Ok(Some(s)) };
            match (item, self.at(p + 1)) {
                (b'(', Some(b')')) => return self.open(s, p + 2, Capture::Position(s)),
                (b'(', _) => return self.open(s, p + 1, Capture::Open(s)),
                (b')', _) => return self.close(s, p + 1),
                (b'$', None) => return Ok((s == self.subject.len()).then_some(s)),
                (b'%', Some(b'b')) => match self.balance(s, p + 2)? {
                    Some(end) => (s, p) = (end, p + 4),
                    None => return Ok(None),
                },
                (b'%', Some(b'f')) => match self.frontier(s, p + 2)? {
                    Some(behind) => p = behind,
                    None => return Ok(None),
                },
                (b'%', Some(digit @ b'0'..=b'9')) => match self.again(s, digit)? {
                    Some(end) => (s, p) = (end, p + 2),
                    None => return Ok(None),
                },
                _ => {
                    let behind = self.item_end(p)?;
                    let fits = self.fits(s, p, behind);
                    match self.at(behind) {
                        // Nothing to choose from: it goes on without going deeper, as in the C library.
                        Some(b'*' | b'-' | b'?') if !fits => p = behind + 1,
                        Some(b'*') => return self.most(s, p, behind, 0),
                        Some(b'+') => return self.most(s, p, behind, 1),
                        Some(b'-') => return self.least(s, p, behind),
                        Some(b'?') => {
                            if let Some(end) = self.follow(s + 1, behind + 1)? {
                                return Ok(Some(end));
                            }
                            p = behind + 1;
                        }
                        _ if fits => (s, p) = (s + 1, behind),
                        _ => return Ok(None),
                    }
                }
            }
        }
    }

    /// As many as possible, at least `least`.
    fn most(&mut self, s: usize, p: usize, behind: usize, least: usize) -> Result<Option<usize>, Fault> {
        let mut n = 0;
        while self.fits(s + n, p, behind) {
            n += 1;
            self.step()?;
        }
        while n >= least {
            if let Some(end) = self.follow(s + n, behind + 1)? {
                return Ok(Some(end));
            }
            let Some(fewer) = n.checked_sub(1) else { break };
            n = fewer;
        }
        Ok(None)
    }

    /// As few as possible.
    fn least(&mut self, mut s: usize, p: usize, behind: usize) -> Result<Option<usize>, Fault> {
        loop {
            if let Some(end) = self.follow(s, behind + 1)? {
                return Ok(Some(end));
            }
            if !self.fits(s, p, behind) {
                return Ok(None);
            }
            s += 1;
        }
    }

    fn open(&mut self, s: usize, p: usize, capture: Capture) -> Result<Option<usize>, Fault> {
        if self.level >= MAX_CAPTURES {
            return wrong("too many captures");
        }
        self.captures[self.level] = capture;
        self.level += 1;
        let end = self.follow(s, p)?;
        if end.is_none() {
            self.level -= 1;
        }
        Ok(end)
    }

    fn close(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault> {
        let open = self.captures[..self.level].iter().rposition(|capture| matches!(capture, Capture::Open(_)));
        let Some((open, Capture::Open(start))) = open.map(|i| (i, self.captures[i])) else {
            return wrong("invalid pattern capture");
        };
        self.captures[open] = Capture::Text(start, s);
        let end = self.follow(s, p)?;
        if end.is_none() {
            self.captures[open] = Capture::Open(start);
        }
        Ok(end)
    }

    /// `%bxy`: from `x` to the `y` that closes it.
    fn balance(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault> {
        let (Some(opening), Some(closing)) = (self.at(p), self.at(p + 1)) else {
            return wrong("malformed pattern (missing arguments to '%b')");
        };
        if self.subject.get(s) != Some(&opening) {
            return Ok(None);
        }
        let mut open = 1;
        for i in s + 1..self.subject.len() {
            self.step()?;
            let c = self.subject[i];
            if c == closing {
                open -= 1;
                if open == 0 {
                    return Ok(Some(i + 1));
                }
            } else if c == opening {
                open += 1;
            }
        }
        Ok(None)
    }

    /// `%f[set]`: a place where the set begins to fit. Gives the rest of the pattern.
    fn frontier(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault> {
        if self.at(p) != Some(b'[') {
            return wrong("missing '[' after '%f' in pattern");
        }
        let behind = self.item_end(p)?;
        let before = if s == 0 { 0 } else { self.subject[s - 1] };
        let here = self.subject.get(s).copied().unwrap_or(0);
        let begins = !self.in_set(before, p, behind - 1) && self.in_set(here, p, behind - 1);
        Ok(begins.then_some(behind))
    }

    /// `%1`: what was captured before.
    fn again(&mut self, s: usize, digit: u8) -> Result<Option<usize>, Fault> {
        let number = usize::from(digit - b'0');
        let captured = number.checked_sub(1).filter(|i| *i < self.level).map(|i| self.captures[i]);
        match captured {
            None | Some(Capture::Open(_)) => wrong(format!("invalid capture index %{number}")),
            Some(Capture::Position(_)) => Ok(None),
            Some(Capture::Text(start, stop)) => {
                let text = &self.subject[start..stop];
                self.watch.step(text.len()).map_err(Fault::TooLong)?;
                Ok(self.subject[s..].starts_with(text).then_some(s + text.len()))
            }
        }
    }

    /// The place behind the single-character item at `p`.
    fn item_end(&self, p: usize) -> Result<usize, Fault> {
        match self.pattern[p] {
            b'%' if self.at(p + 1).is_none() => wrong("malformed pattern (ends with '%')"),
            b'%' => Ok(p + 2),
            b'[' => {
                let mut q = p + 1;
                if self.at(q) == Some(b'^') {
                    q += 1;
                }
                // A closing bracket that comes first stands for itself.
                loop {
                    match self.at(q) {
                        None => return wrong("malformed pattern (missing ']')"),
                        Some(b'%') => q += if self.at(q + 1).is_some() { 2 } else { 1 },
                        Some(_) => q += 1,
                    }
                    if self.at(q) == Some(b']') {
                        return Ok(q + 1);
                    }
                }
            }
            _ => Ok(p + 1),
        }
    }

    /// Whether the character at `s` fits the item from `p` to `behind`.
    fn fits(&self, s: usize, p: usize, behind: usize) -> bool {
        let Some(&c) = self.subject.get(s) else { return false };
        match self.pattern[p] {
            b'.' => true,
            b'%' => in_class(c, self.pattern[p + 1]),
            b'[' => self.in_set(c, p, behind - 1),
            literal => literal == c,
        }
    }

    /// Whether `c` is in the set between the brackets at `p` and `closing`.
    fn in_set(&self, c: u8, p: usize, closing: usize) -> bool {
        let mut q = p + 1;
        let negated = self.pattern[q] == b'^';
        if negated {
            q += 1;
        }
        while q < closing {
            let found = match self.pattern[q] {
                b'%' => {
                    q += 2;
                    in_class(c, self.pattern[q - 1])
                }
                low if self.pattern[q + 1] == b'-' && q + 2 < closing => {
                    q += 3;
                    (low..=self.pattern[q - 1]).contains(&c)
                }
                literal => {
                    q += 1;
                    literal == c
                }
            };
            if found {
                return !negated;
            }
        }
        negated
    }
}

/// Whether `c` is in the class that a letter behind `%` names; anything else stands for itself.
fn in_class(c: u8, class: u8) -> bool {
    let is_in = match class.to_ascii_lowercase() {
        b'a' => c.is_ascii_alphabetic(),
        b'c' => c.is_ascii_control(),
        b'd' => c.is_ascii_digit(),
        b'g' => c.is_ascii_graphic(),
        b'l' => c.is_ascii_lowercase(),
        b'p' => c.is_ascii_punctuation(),
        b's' => matches!(c, b' ' | b'\t'..=b'\r'),
        b'u' => c.is_ascii_uppercase(),
        b'w' => c.is_ascii_alphanumeric(),
        b'x' => c.is_ascii_hexdigit(),
        _ => return class == c,
    };
    is_in != class.is_ascii_uppercase()
}

/// Whether a pattern has any character that is more than itself. `string.find` takes one without for a plain text, even
/// where it would be no sound pattern.
pub(super) fn has_specials(pattern: &[u8]) -> bool {
    pattern.iter().any(|c| b"^$*+?.([%-".contains(c))
}

/// How long a subject may be so that the C library cannot need more than some ten thousand steps for it. None if it
/// should not be given the pattern at all: it is wrong, or looks as if it might be.
pub(super) fn reach(pattern: &[u8]) -> Option<usize> {
    const STEPS: usize = 10_000;
    let mut loops = u32::from(pattern.first() != Some(&b'^'));
    let (mut i, mut open, mut captures) = (0, 0_u32, 0);
    while let Some(&c) = pattern.get(i) {
        i += match (c, pattern.get(i + 1)) {
            (b'%', None | Some(b'f' | b'0'..=b'9')) => return None,
            (b'%', Some(b'b')) => {
                pattern.get(i + 3)?;
                loops += 1;
                4
            }
            (b'%', Some(_)) => 2,
            (b'[', _) => set_length(&pattern[i..])?,
            (b'(', _) => {
                open += 1;
                captures += 1;
                1
            }
            (b')', _) => {
                open = open.checked_sub(1)?;
                1
            }
            (b'*' | b'+' | b'-' | b'?', _) => {
                loops += 1;
                1
            }
            _ => 1,
        };
    }
    if open > 0 || captures > MAX_CAPTURES || pattern.len() > MAX_DEPTH as usize {
        return None;
    }
    Some(match loops {
        0 | 1 => STEPS,
        2 => 100,
        3 => 21,
        4 => 10,
        _ => 0,
    })
}

/// The length of the set at the beginning, if it is closed.
fn set_length(pattern: &[u8]) -> Option<usize> {
    let mut i = if pattern.get(1) == Some(&b'^') { 2 } else { 1 };
    loop {
        i += if *pattern.get(i)? == b'%' { 2 } else { 1 };
        if *pattern.get(i)? == b']' {
            return Some(i + 1);
        }
    }
}
