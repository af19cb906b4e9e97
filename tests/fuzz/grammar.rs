//! Random programs: Lua from a small grammar. Each comes to its end, and to the same end in every Lua that does not ask
//! the clock: addresses never show, and every loop and function burns fuel.
//!
//! A program leaves a trace of texts in the table `T` and asks `alc.llm` here and there.

use std::fmt::Write as _;

/// Where choices come from.
pub(crate) trait Choices {
    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize;
}

/// Choices from a seed: `SplitMix64`.
pub(crate) struct Seeded(pub(crate) u64);

impl Choices for Seeded {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// Choices from bytes; when they are used up it is always the first.
#[allow(dead_code, reason = "for the fuzzer")]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Choices for Bytes<'_> {
    fn below(&mut self, n: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % n
    }
}

/// What every program begins with. A text shows itself, anything with an address only its kind.
const HEAD: &str = "local T, fuel = {}, 3000
local function emit(...)
  for i = 1, select('#', ...) do
    local v = select(i, ...)
    local kind = type(v)
    T[#T + 1] = (kind == 'table' or kind == 'function' or kind == 'thread') and kind or tostring(v):gsub('0x%x+$', '0x'):sub(1, 300)
  end
end
local function show(v) local s = tostring(v):gsub('0x%x+$', '0x') return s end
local function F() fuel = fuel - 1 if fuel < 0 then error('fuel', 0) end end
";

const NUMBERS: &[&str] = &[
    "1",
    "0",
    "-1",
    "2",
    "3",
    "7",
    "10",
    "255",
    "0.5",
    "-2.25",
    "1e15",
    "1e16",
    "1e300",
    "-0.0",
    "1/0",
    "-1/0",
    "2^53",
    "math.maxinteger",
    "math.mininteger",
    "0x7fffffff",
    "3.0",
    "1e-7",
];

const TEXTS: &[&str] = &[
    "''",
    "'a'",
    "'b'",
    "'abc'",
    "'hello world'",
    "'10'",
    "' 7 '",
    "'0x1F'",
    "'1e2'",
    "'x=1, y=2'",
    "'a,b,,c'",
    "'%d'",
    "'\\0z'",
    "'é✓'",
    "'((a)(b))'",
    "'  trim  '",
    "'UPPER lower 123'",
    "'\\n\\t'",
    "'a.b-c'",
];

const PATTERNS: &[&str] = &[
    "a",
    "%a+",
    "%d*",
    "(%w+)=(%w+)",
    "^%s*(.-)%s*$",
    "[^,]*",
    "%b()",
    "%f[%w]%w+",
    "().",
    "(.)(.)",
    ".-b",
    "%%",
    "[%a_]+",
    "a?b?c?",
    "x*",
    "$",
    "^",
    "%1",
    "(",
    "[",
    "%",
    "(()",
    "%f",
    "[a-c]+$",
    "(.)%1",
    ")",
    "]",
    "b-",
    "",
];

const FORMATS: &[&str] = &[
    "%d", "%s", "%5.2f", "%q", "%x", "%5s|", "%-8s|", "%g", "%c", "%i", "%o", "%e", "%%", "%s %s", "%.3s", "%z", "%5",
];

const BINARY: &[&str] = &["+", "-", "*", "/", "//", "%", "&", "|", "~", "<<", ">>"];

const COMPARISONS: &[&str] = &["==", "~=", "<", "<=", ">", ">="];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    List,
    Function,
    Object,
}

/// What may stand where a piece of a program is written.
#[derive(Clone, Copy)]
struct Place {
    /// Whether `coroutine.yield` may: not where the C library stands in between.
    yields: bool,
    /// Whether a loop is around it.
    in_loop: bool,
}

struct Writer<'c, C> {
    choices: &'c mut C,
    out: String,
    names: usize,
    variables: Vec<(Kind, String)>,
    /// Statements that may still be written.
    left: usize,
    depth: usize,
}

/// Writes a program that returns its trace as one text.
pub(crate) fn program(choices: &mut impl Choices) -> String {
    let mut writer =
        Writer { left: 12 + choices.below(40), choices, out: HEAD.into(), names: 0, variables: Vec::new(), depth: 0 };
    writer.line("emit(pcall(function(...)");
    writer.block(Place { yields: false, in_loop: false });
    writer.line("end, 1, 'two', nil))");
    // Whatever bytes there are, the result is a text.
    writer.line(
        "local result = table.concat(T, '|'):gsub('[^ -~]', function(c) return '\\\\' .. c:byte() end) return result",
    );
    writer.out
}

impl<C: Choices> Writer<'_, C> {
    fn below(&mut self, n: usize) -> usize {
        self.choices.below(n)
    }

    fn one_of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.choices.below(list.len())]
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{}{text}", "  ".repeat(self.depth.min(8)));
    }

    fn name(&mut self, kind: Kind) -> String {
        self.names += 1;
        let letter = match kind {
            Kind::Number => 'n',
            Kind::Text => 's',
            Kind::List => 't',
            Kind::Function => 'f',
            Kind::Object => 'o',
        };
        format!("{letter}{}", self.names)
    }

    /// A variable of a kind, if there is one.
    fn variable(&mut self, kind: Kind) -> Option<String> {
        let all: Vec<&String> = self.variables.iter().filter(|it| it.0 == kind).map(|it| &it.1).collect();
        if all.is_empty() {
            return None;
        }
        // A number below a bound that is not zero.
        let at = self.choices.below(all.len());
        Some(all[at].clone())
    }

    /// A function body, or that of a block: statements in a scope of their own.
    fn block(&mut self, place: Place) {
        let before = self.variables.len();
        self.depth += 1;
        for _ in 0..=self.below(6) {
            self.statement(place);
        }
        self.depth -= 1;
        self.variables.truncate(before);
    }

    fn number(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.variable(Kind::Number).unwrap_or_else(|| self.one_of(NUMBERS).into());
        }
        match self.below(16) {
            0..=2 => self.one_of(NUMBERS).into(),
            3 | 4 => self.variable(Kind::Number).unwrap_or_else(|| "4".into()),
            5..=7 => {
                let (a, b) = (self.number(depth - 1), self.number(depth - 1));
                format!("({a} {} {b})", self.one_of(BINARY))
            }
            8 => format!("#{}", self.list()),
            9 => format!("-({})", self.number(depth - 1)),
            10 => format!("(tonumber({}) or 5)", self.text(depth - 1)),
            11 => format!("#{}", self.text(0)),
            12 => {
                let function = self.one_of(&["floor", "ceil", "abs", "sqrt", "tointeger", "exp"]);
                format!("(math.{function}({}) or 0)", self.number(depth - 1))
            }
            13 => format!("math.max({}, {})", self.number(depth - 1), self.number(depth - 1)),
            14 => format!("(({}):byte({}) or 0)", self.text(0), self.number(0)),
            // Now and then something that is no number.
            _ => self.any(depth - 1),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.variable(Kind::Text).unwrap_or_else(|| self.one_of(TEXTS).into());
        }
        let d = depth - 1;
        match self.below(18) {
            0..=2 => self.one_of(TEXTS).into(),
            3 | 4 => self.variable(Kind::Text).unwrap_or_else(|| "'v'".into()),
            5 => format!("({} .. {})", self.text(d), self.text(d)),
            6 => format!("({} .. {})", self.text(d), self.number(d)),
            7 => format!("({}):sub({}, {})", self.text(d), self.number(0), self.number(0)),
            8 => {
                let method = self.one_of(&["upper", "lower", "reverse"]);
                format!("({}):{method}()", self.text(d))
            }
            9 => format!("({}):rep({}, {})", self.text(0), self.below(5), self.text(0)),
            10 => format!("string.format('{}', show({}))", self.one_of(FORMATS), self.plain(d)),
            11 => {
                let with = self.one_of(&["''", "'<%0>'", "'%1'", "{ a = 'A', b = false, c = 3 }", "'%'", "5"]);
                format!("(({}):gsub('{}', {with}))", self.text(d), self.one_of(PATTERNS))
            }
            12 => format!("show({})", self.plain(d)),
            13 => format!("table.concat({}, ',')", self.list()),
            14 => format!("(({}):match('{}') or 'none')", self.text(d), self.one_of(PATTERNS)),
            15 => format!("alc.llm('q' .. {})", self.below(9)),
            16 => format!("utf8.char({}, {})", 65 + self.below(300), self.below(99)),
            _ => self.any(d),
        }
    }

    /// A list: a table without holes.
    fn list(&mut self) -> String {
        self.variable(Kind::List).unwrap_or_else(|| "{ 3, 1, 2 }".into())
    }

    /// Something that shows itself.
    fn plain(&mut self, depth: usize) -> String {
        match self.below(5) {
            0 | 1 => self.number(depth),
            2 | 3 => self.text(depth),
            _ => self.condition(depth),
        }
    }

    fn any(&mut self, depth: usize) -> String {
        match self.below(12) {
            0..=3 => self.number(depth.min(1)),
            4..=6 => self.text(depth.min(1)),
            7 => "nil".into(),
            8 => self.list(),
            9 => self.variable(Kind::Object).unwrap_or_else(|| "true".into()),
            10 => match self.variable(Kind::Function) {
                Some(function) => format!("{function}({}, {})", self.number(0), self.text(0)),
                None => "false".into(),
            },
            _ => match self.variable(Kind::Object) {
                Some(object) => self.use_of(&object),
                None => "print".into(),
            },
        }
    }

    fn condition(&mut self, depth: usize) -> String {
        match self.below(6) {
            0 => "true".into(),
            1..=3 => format!("({} {} {})", self.number(0), self.one_of(COMPARISONS), self.number(depth.min(1))),
            4 => format!("({} {} {})", self.text(0), self.one_of(COMPARISONS), self.text(0)),
            _ => format!("not {}", self.plain(0)),
        }
    }

    /// An operation on an object that its metatable may know.
    fn use_of(&mut self, object: &str) -> String {
        let n = self.number(0);
        match self.below(12) {
            0 => format!("({object} + {n})"),
            1 => format!("({n} - {object})"),
            2 => format!("{object}.field"),
            3 => format!("{object}[{n}]"),
            4 => format!("{object}({n})"),
            5 => format!("#{object}"),
            6 => format!("({object} .. 'x')"),
            7 => format!("({object} < {object})"),
            8 => format!("({object} == {{}})"),
            9 => format!("-{object}"),
            10 => format!("string.format('%s %d', {object}, 4):sub(1, 5)"),
            _ => format!("tostring({object}):sub(1, 5)"),
        }
    }

    fn statement(&mut self, place: Place) {
        if self.left == 0 || self.depth > 7 {
            let value = self.plain(1);
            return self.line(&format!("emit({value})"));
        }
        self.left -= 1;
        match self.below(26) {
            0 | 1 => {
                let (value, name) = (self.number(2), self.name(Kind::Number));
                self.line(&format!("local {name} = {value}"));
                self.variables.push((Kind::Number, name));
            }
            2 | 3 => {
                let (value, name) = (self.text(2), self.name(Kind::Text));
                self.line(&format!("local {name} = ({value}):sub(1, 99)"));
                self.variables.push((Kind::Text, name));
            }
            4 => {
                let (a, b, name) = (self.number(1), self.text(1), self.name(Kind::List));
                self.line(&format!("local {name} = {{ {a}, {b}, 3, 'd', 2.5, k = 1 }}"));
                self.variables.push((Kind::List, name));
            }
            5..=7 => {
                let values = format!("{}, {}", self.any(2), self.plain(2));
                self.line(&format!("emit({values})"));
            }
            8 => {
                let (name, value) = (self.variable(Kind::Number), self.number(2));
                self.line(&name.map_or_else(|| format!("emit({value})"), |name| format!("{name} = {value}")));
            }
            9 => {
                let (name, value) = (self.variable(Kind::Text), self.text(2));
                let assign = |name| format!("{name} = ({value}):sub(1, 99)");
                self.line(&name.map_or_else(|| format!("emit({value})"), assign));
            }
            10 => {
                let condition = self.condition(1);
                self.line(&format!("if {condition} then"));
                self.block(place);
                self.line("else");
                self.block(place);
                self.line("end");
            }
            11 | 12 => self.a_loop(place),
            13 | 14 => self.protected(place),
            15 => self.function(),
            16 | 17 => self.coroutine(),
            18 | 19 => self.object(),
            20 | 21 => self.on_list(),
            22 => self.matching(),
            23 => self.failing(place),
            24 => {
                let value = self.number(2).replace('\'', "\"");
                self.line(&format!("emit(pcall(load([==[local v = {value} return v]==]) or print))"));
            }
            _ => {
                // The door is full then: the program is interrupted right here.
                let times = if self.below(4) == 0 { 300 } else { 3 };
                self.line(&format!("for i = 1, {times} do alc.log('info', 'line') end"));
            }
        }
    }

    fn a_loop(&mut self, place: Place) {
        let name = self.name(Kind::Number);
        let head = match self.below(6) {
            0 => format!("for {name} = 1, {} do", self.below(6)),
            1 => format!(
                "for {name} = {}, {}, {} do",
                self.below(5),
                self.below(5),
                self.one_of(&["1", "-1", "0.5", "0"])
            ),
            2 => format!("for _, {name} in ipairs({}) do", self.list()),
            3 => format!("for {name} in ({}):gmatch('{}') do", self.text(1), self.one_of(PATTERNS)),
            4 => format!("for {name} = math.maxinteger - 2, math.maxinteger do"),
            _ => format!("local {name} = 0 while {name} < {} do {name} = {name} + 1", self.below(5)),
        };
        self.line(&format!("{head} F()"));
        self.variables.push((Kind::Number, name));
        self.block(Place { in_loop: true, ..place });
        self.variables.pop();
        self.line("end");
    }

    fn protected(&mut self, place: Place) {
        match self.below(3) {
            0 => {
                self.line("emit(pcall(function()");
                self.block(Place { in_loop: false, ..place });
                self.line("return 'fine' end))");
            }
            1 => {
                self.line("emit(xpcall(function(a)");
                self.block(Place { in_loop: false, ..place });
                let value = self.plain(1);
                self.line(&format!(
                    "local r = {value} return a, r end, function(e) return type(e) == 'string' and 'H ' .. e or 'H' end, 7))"
                ));
            }
            _ => {
                self.line("do");
                self.line("local c <close> = setmetatable({}, { __close = function(_, e) emit('closing', e) end })");
                self.block(place);
                self.line("end");
            }
        }
    }

    fn function(&mut self) {
        let name = self.name(Kind::Function);
        self.line(&format!("local function {name}(a, b, ...) F()"));
        let before = self.variables.len();
        self.variables.extend([(Kind::Number, "a".to_owned()), (Kind::Text, "b".to_owned())]);
        self.block(Place { yields: false, in_loop: false });
        let value = self.plain(1);
        self.variables.truncate(before);
        self.line(&format!("local r = {value} return r, select('#', ...) end"));
        self.variables.push((Kind::Function, name));
    }

    fn coroutine(&mut self) {
        let name = self.name(Kind::Function);
        let wraps = self.below(2) == 0;
        let way = if wraps { "wrap" } else { "create" };
        self.line(&format!("local c{name} = coroutine.{way}(function(a, b)"));
        let before = self.variables.len();
        self.variables.push((Kind::Number, "a".to_owned()));
        self.block(Place { yields: true, in_loop: false });
        self.line("emit(coroutine.yield(a, 'y'))");
        self.block(Place { yields: true, in_loop: false });
        self.variables.truncate(before);
        self.line("return 'end' end)");
        for _ in 0..=self.below(3) {
            let value = self.plain(1);
            if wraps {
                self.line(&format!("emit(pcall(c{name}, {value}))"));
            } else {
                self.line(&format!("emit(coroutine.resume(c{name}, {value})) emit(coroutine.status(c{name}))"));
            }
        }
        if !wraps && self.below(2) == 0 {
            self.line(&format!("emit(pcall(coroutine.close, c{name}))"));
        }
    }

    fn object(&mut self) {
        const EVENTS: &[&str] = &[
            "__add",
            "__sub",
            "__index",
            "__newindex",
            "__call",
            "__len",
            "__concat",
            "__lt",
            "__le",
            "__eq",
            "__unm",
            "__tostring",
            "__pairs",
            "__name",
            "__metatable",
            "__mod",
            "__band",
            "__idiv",
        ];
        let name = self.name(Kind::Object);
        self.line(&format!("local {name} = setmetatable({{ v = 1 }}, {{"));
        for _ in 0..=self.below(5) {
            match self.one_of(EVENTS) {
                event @ ("__name" | "__metatable") => self.line(&format!("{event} = 'Name',")),
                "__tostring" => {
                    let value = self.text(1);
                    self.line(&format!("__tostring = function() F() local r = {value} return r end,"));
                }
                "__pairs" => self.line("__pairs = function(t) F() return next, { 1, 2 }, nil end,"),
                // The C library calls these where the other operand is a text, and nothing can be asked there.
                event @ ("__add" | "__sub" | "__mod" | "__band" | "__idiv" | "__unm") => {
                    let value = self.number(0);
                    self.line(&format!("{event} = function(x, y) F() emit('{event}') return {value} end,"));
                }
                event => {
                    let value = self.plain(1);
                    self.line(&format!("{event} = function(x, y) F() local r = {value} return r end,"));
                }
            }
        }
        self.line("})");
        let used = self.use_of(&name);
        self.line(&format!("emit(pcall(function() local r = {used} return r end))"));
        if self.below(3) == 0 {
            self.line(&format!("for k, v in pairs({name}) do F() emit(k, v) end"));
        }
        self.variables.push((Kind::Object, name));
    }

    fn on_list(&mut self) {
        let list = self.list();
        let (n, value) = (self.number(0), self.plain(1));
        let text = match self.below(10) {
            0 => format!("table.insert({list}, {value})"),
            1 => format!("emit(pcall(table.insert, {list}, {n}, {value}))"),
            2 => format!("emit(table.remove({list}))"),
            3 => format!("emit(pcall(table.remove, {list}, {n}))"),
            4 => {
                let by = self.one_of(&[
                    "nil",
                    "function(a, b) F() return show(a) < show(b) end",
                    "function(a, b) F() return alc.llm('a' .. #show(a)) > alc.llm('a' .. #show(b)) end",
                    "function() F() return true end",
                    "function(a, b) F() return a < b end",
                    "function() F() error('unsorted') end",
                ]);
                format!("emit(pcall(table.sort, {list}, {by}))")
            }
            5 => format!("emit(pcall(table.concat, {list}, {value}, {n}))"),
            6 => format!(
                "emit(pcall(table.unpack, {list}, {}, {}))",
                self.one_of(&["1", "0", "2", "nil"]),
                self.below(6)
            ),
            7 => format!("emit(#table.move({list}, 1, 2, {}, {{}}))", self.below(3)),
            8 => format!("emit(select({n}, table.unpack({list})))"),
            _ => format!("for i, v in ipairs({list}) do F() emit(i, v) end"),
        };
        self.line(&text);
    }

    fn matching(&mut self) {
        let (subject, pattern) = (self.text(2), self.one_of(PATTERNS));
        let n = self.number(0);
        let text = match self.below(6) {
            0 => format!("emit(pcall(string.find, {subject}, '{pattern}', {n}))"),
            1 => format!("emit(pcall(string.find, {subject}, '{pattern}', 1, true))"),
            2 => format!("emit(pcall(string.match, {subject}, '{pattern}', {n}))"),
            3 => {
                format!(
                    "emit(pcall(string.gsub, {subject}, '{pattern}', function(a) F() return alc.llm('a' .. #show(a)) end))"
                )
            }
            4 => format!("emit(pcall(string.gsub, {subject}, '{pattern}', '[%0]', {n}))"),
            _ => {
                format!("emit(pcall(string.gsub, ({subject}):rep(40), '{pattern}', function() F() end, 9))")
            }
        };
        self.line(&text);
    }

    fn failing(&mut self, place: Place) {
        let value = self.plain(1);
        let text = match self.below(8) {
            0 if place.yields => format!("emit(coroutine.yield({value}))"),
            1 if place.in_loop => "if fuel % 2 == 0 then break end".to_owned(),
            2 => format!("if {} then error({value}) end", self.condition(0)),
            3 => format!("if {} then error({value}, {}) end", self.condition(0), self.below(3)),
            4 => format!("emit(pcall(error, {value}))"),
            5 => format!("emit(pcall(error, {{ code = 1 }}, 2)) assert({}, {value})", self.condition(0)),
            6 => format!("emit(pcall(setmetatable, {value}, {{}}), pcall(rawlen, {value}), pcall(ipairs))"),
            _ => {
                format!("emit(pcall(string.rep), pcall(tonumber, {value}, 8), pcall(next, {{}}, {value}))")
            }
        };
        self.line(&text);
    }
}
