//! The matcher finds what the C library finds: random patterns and subjects, most of them sound, some not.
//!
//! As many as `SWITCHBOARD_PATTERNS` says, from the seed `SWITCHBOARD_SEED`.

use mlua::{Function, Lua, MultiValue, Value};

use super::{Capture, Fault, Found, Matcher, Watch, has_specials};

/// Watches over nothing.
struct Patient;

impl Watch for Patient {
    fn step(&mut self, _: usize) -> mlua::Result<()> {
        Ok(())
    }

    fn is_tired(&self) -> bool {
        false
    }
}

/// Numbers from a seed: `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

const SUBJECT: &[u8] = b"aaabbbcAB12 \t()[]%^$-.\0\xff";

const ITEMS: &[&[u8]] = &[
    b"a", b"b", b"c", b"1", b" ", b".", b"%a", b"%d", b"%s", b"%w", b"%p", b"%l", b"%u", b"%x", b"%c", b"%g", b"%A",
    b"%D", b"%S", b"%W", b"%P", b"%%", b"%.", b"%-", b"%\0", b"\0", b"\xff", b"-", b"]", b"^", b"$",
];

const SETS: &[&[u8]] = &[
    b"[ab]",
    b"[^a]",
    b"[a-c]",
    b"[^a-b]",
    b"[%a-]",
    b"[%a-z]",
    b"[]a]",
    b"[^]]",
    b"[a-]",
    b"[-a]",
    b"[%]a]",
    b"[%d%s]",
    b"[^%w]",
    b"[\0-\x7f]",
    b"[a-a]",
    b"[c-a]",
    b"[^^]",
    b"[$]",
    b"[a-%%]",
];

const OTHERS: &[&[u8]] = &[
    b"()",
    b"%b()",
    b"%bab",
    b"%b\0\xff",
    b"%baa",
    b"%f[%a]",
    b"%f[^a]",
    b"%f[\0]",
    b"%f[]]",
    b"%1",
    b"%2",
    b"%0",
    b"%b",
    b"%ba",
    b"%f",
    b"%fa",
    b"%",
    b"[",
    b"[^",
    b"[%",
    b"[a",
    b"(",
    b")",
    b"*",
    b"-",
    b"+",
    b"?",
];

/// Loops of one pattern: more than so many take the C library for ever.
const LOOPS: usize = 4;

fn pattern(dice: &mut Dice) -> Vec<u8> {
    let mut pattern = Vec::new();
    if dice.below(60) == 0 {
        // Deep rather than wide.
        let item = dice.one_of(&[&b"a?"[..], b"a", b"(a)", b"()", b"%a-", b"[ab]?"]);
        return item.repeat(dice.one_of(&[31, 32, 33, 150, 199, 200, 201, 250]));
    }
    if dice.below(5) == 0 {
        pattern.push(b'^');
    }
    let (mut open, mut loops) = (0, 0);
    for _ in 0..dice.below(7) {
        match dice.below(12) {
            0 if open < 3 => {
                pattern.push(b'(');
                open += 1;
            }
            1 if open > 0 => {
                pattern.push(b')');
                open -= 1;
            }
            2 => pattern.extend(dice.one_of(OTHERS)),
            kind => {
                pattern.extend(if kind < 6 { dice.one_of(SETS) } else { dice.one_of(ITEMS) });
                if loops < LOOPS && dice.below(2) == 0 {
                    pattern.push(dice.one_of(b"*+-?"));
                    loops += 1;
                }
            }
        }
    }
    // Most are closed.
    if dice.below(20) > 0 {
        pattern.resize(pattern.len() + open, b')');
    }
    if dice.below(6) == 0 {
        pattern.push(b'$');
    }
    pattern
}

/// What came of a search, in the form of `string.find`: places from 1, then the captures.
fn ours(subject: &[u8], pattern: &[u8], init: usize) -> Result<Vec<String>, String> {
    if !has_specials(pattern) {
        let at = (init - 1..=subject.len()).find(|at| subject[*at..].starts_with(pattern));
        let places = |at: usize| vec![(at + 1).to_string(), (at + pattern.len()).to_string()];
        return Ok(at.map_or_else(|| vec!["nil".to_owned()], places));
    }
    let (anchored, pattern) = pattern.strip_prefix(b"^").map_or((false, pattern), |rest| (true, rest));
    let mut matcher = Matcher::new(subject, pattern, Patient);
    let found = matcher.search(init - 1, None, anchored).and_then(|found| {
        let Found::Match(start, stop) = found else { return Ok(vec!["nil".to_owned()]) };
        let mut values = vec![(start + 1).to_string(), stop.to_string()];
        for i in 0..matcher.level() {
            values.push(match matcher.capture(i, start, stop)? {
                Capture::Position(at) | Capture::Open(at) => (at + 1).to_string(),
                Capture::Text(from, to) => format!("{:?}", &subject[from..to]),
            });
        }
        Ok(values)
    });
    found.map_err(|fault| match fault {
        Fault::Pattern(text) => text,
        Fault::TooLong(error) => panic!("nobody lost patience: {error}"),
    })
}

/// The same from the C library.
fn theirs(find: &Function, subject: &[u8], pattern: &[u8], init: usize) -> Result<Vec<String>, String> {
    let lua_text = |value: &Value| match value {
        Value::String(text) => format!("{:?}", &*text.as_bytes()),
        Value::Integer(n) => n.to_string(),
        other => other.type_name().to_owned(),
    };
    let arguments = (mlua::BString::from(subject), mlua::BString::from(pattern), init);
    let mut values: Vec<Value> = find.call::<MultiValue>(arguments).expect("it is protected").into_iter().collect();
    match values.remove(0) {
        Value::Boolean(true) => Ok(values.iter().map(lua_text).collect()),
        _ => Err(values[0].as_string().expect("an error is a text").to_string_lossy()),
    }
}

#[test]
fn the_matcher_finds_what_the_c_library_finds() {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (count, seed) = (number("SWITCHBOARD_PATTERNS", 20_000), number("SWITCHBOARD_SEED", 1));
    let lua = Lua::new();
    let find = "local find, pcall = string.find, pcall return function(s, p, i) return pcall(find, s, p, i) end";
    let find: Function = lua.load(find).eval().expect("it compiles");
    let mut dice = Dice(seed);
    let (mut matched, mut refused) = (0, 0);
    for n in 0..count {
        let pattern = pattern(&mut dice);
        let length = if pattern.len() > 60 { 220 } else { 14 };
        let subject: Vec<u8> = (0..dice.below(length)).map(|_| dice.one_of(SUBJECT)).collect();
        let subject = if length == 220 { vec![b'a'; subject.len()] } else { subject };
        let init = 1 + dice.below(subject.len() + 1);
        let (ours, theirs) = (ours(&subject, &pattern, init), theirs(&find, &subject, &pattern, init));
        assert_eq!(
            ours,
            theirs,
            "number {n}: {:?} in {:?} from {init}",
            pattern.escape_ascii().to_string(),
            subject.escape_ascii().to_string()
        );
        matched += u64::from(ours.as_ref().is_ok_and(|found| found.len() > 1));
        refused += u64::from(ours.is_err());
    }
    println!("{count} patterns: {matched} matched, {refused} were refused");
    assert!(matched > count / 5 && refused > count / 100, "the patterns have become dull");
}
