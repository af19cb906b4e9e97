//! Reads the sources and holds them to the rules of the house. Each rule says what it found, and where.
//!
//! A directory that does not exist yet breaks no rule.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// One Rust source.
struct Source {
    /// Relative to the root of the project, with slashes.
    path: String,
    /// Its code, comments and texts blanked out, line by line.
    code: Vec<String>,
    /// Its text as it stands.
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a directory of the project, in order; none where it does not exist.
fn files(below: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root().join(below)) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap()).collect();
    names.sort_by_key(fs::DirEntry::file_name);
    let mut found = Vec::new();
    for entry in names {
        let path = format!("{below}/{}", entry.file_name().to_str().expect("names of sources are UTF-8"));
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.into());
        }
    }
    found
}

fn sources(below: &str) -> Vec<Source> {
    let rust = files(below).into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "rs"));
    rust.map(|path| {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let code = code_of(&text).lines().map(str::to_owned).collect();
        Source { path: path.to_str().unwrap().to_owned(), code, text }
    })
    .collect()
}

/// Blanks out comments, texts and characters, and keeps every line where it was.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let blank = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(hashes) = raw_text(rest, &code) {
            let open = 2 + hashes;
            let close = format!("\"{}", "#".repeat(hashes));
            rest[open..].find(&close).map_or(rest.len(), |end| open + end + close.len())
        } else if c == '"' {
            quoted(rest)
        } else if c == '\'' {
            character(rest)
        } else {
            0
        };
        if blank == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            code.extend(rest[..blank].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[blank..];
        }
    }
    code
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// How many signs `#` a raw text that begins here has.
fn raw_text(text: &str, before: &str) -> Option<usize> {
    if before.ends_with(|c: char| c.is_alphanumeric() && c != 'b' || c == '_') {
        return None;
    }
    let hashes = text.strip_prefix('r')?.bytes().take_while(|b| *b == b'#').count();
    text[1 + hashes..].starts_with('"').then_some(hashes)
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, c))) => {
            let behind = at + c.len_utf8();
            text[behind..].find('\'').map_or(0, |end| behind + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

/// Whether `word` stands in `line` with nothing of a name around it. A word that ends in a sign may go on behind it.
fn names(line: &str, word: &str) -> bool {
    let part_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let behind = line[at + word.len()..].chars().next();
        let open = !word.ends_with(part_of_a_name);
        !before.is_some_and(|c| part_of_a_name(c) && word.starts_with(part_of_a_name))
            && (open || !behind.is_some_and(part_of_a_name))
    })
}

/// Every place where one of `words` is named in the code of `sources`.
fn places<'a>(sources: impl IntoIterator<Item = &'a Source>, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (n, line) in (1..).zip(&source.code) {
            for word in words.iter().filter(|word| names(line, word)) {
                found.push(format!("{}:{n}: {word}", source.path));
            }
        }
    }
    found
}

fn nowhere(rule: &str, found: &[String]) {
    assert!(
        found.is_empty(),
        "{rule}\n{}",
        found.iter().fold(String::new(), |mut list, place| {
            let _ = writeln!(list, "  {place}");
            list
        })
    );
}

/// The first part of a path below `src`: the module at the top that a source belongs to.
fn house_part(path: &str) -> &str {
    let below = path.strip_prefix("src/").unwrap_or(path);
    below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
}

/// Which modules at the top each of them may use. `desk`, `cli`, `main` and `lib` wire the rest together.
const MAY_USE: [(&str, &[&str]); 6] = [
    ("domain", &["domain"]),
    ("config", &["config", "domain"]),
    ("engine", &["engine", "domain"]),
    ("store", &["store", "engine", "domain", "config"]),
    ("lua", &["lua", "engine", "domain", "config"]),
    ("tui", &["tui", "engine", "domain", "config"]),
];

const PARTS: [&str; 8] = ["domain", "config", "engine", "store", "lua", "tui", "cli", "desk"];

/// The modules at the top that a source names, with the lines. A path that begins with `crate` names one; `super`
/// does so only out of a file that stands at the top itself.
fn uses(source: &Source) -> Vec<(usize, String)> {
    let code = source.code.join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let behind = &code[at + "crate::".len()..];
        let first =
            |text: &str| text.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("").to_owned();
        match behind.strip_prefix('{') {
            None => found.push((line, first(behind))),
            Some(group) => {
                // The first word of each part of the group at its outermost level.
                let mut depth = 0;
                let mut part = String::new();
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => found.push((line, first(&std::mem::take(&mut part)))),
                        c if depth == 0 => part.push(c),
                        _ => {}
                    }
                }
                found.push((line, first(&part)));
            }
        }
    }
    found
}

#[test]
fn every_part_of_the_house_uses_only_what_the_import_table_allows() {
    let mut found = Vec::new();
    for source in sources("src") {
        let part = house_part(&source.path);
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == part) else { continue };
        for (line, used) in uses(&source) {
            if PARTS.contains(&used.as_str()) && !allowed.contains(&used.as_str()) {
                found.push(format!("{}:{line}: {part} uses {used}", source.path));
            }
        }
    }
    nowhere(
        "domain uses nobody; config uses domain; engine uses domain; store, lua and tui use engine, domain and config, and not each other",
        &found,
    );
}

#[test]
fn every_source_belongs_to_a_part_of_the_house() {
    let parts = sources("src").into_iter().map(|source| source.path);
    let strangers: Vec<String> = parts
        .filter(|path| {
            let part = house_part(path);
            !PARTS.contains(&part) && !["main", "lib"].contains(&part)
        })
        .collect();
    nowhere("the house has these parts only; the import table says nothing of others", &strangers);
}

#[test]
fn each_outside_crate_with_a_home_is_named_only_there() {
    let homes: [(&str, &[&str]); 4] = [
        ("tui", &["ratatui", "crossterm", "tui_textarea"]),
        ("lua", &["mlua"]),
        ("store", &["rusqlite"]),
        ("cli", &["clap", "clap_complete", "clap_mangen"]),
    ];
    let all = sources("src");
    for (home, crates) in homes {
        let others = all.iter().filter(|source| house_part(&source.path) != home);
        nowhere(&format!("{} are named only in {home}", crates.join(", ")), &places(others, crates));
    }
}

#[test]
fn the_domain_has_no_clock_no_files_no_randomness_and_no_runtime() {
    let forbidden = [
        "SystemTime",
        "Instant",
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "tokio",
        "futures",
        "getrandom",
        "async",
        "mlua",
        "File::open",
        "Mutex",
        "tracing",
    ];
    nowhere("domain is pure: time comes in as an argument", &places(&sources("src/domain"), &forbidden));
}

#[test]
fn time_and_randomness_come_in_only_through_their_ports() {
    let all = sources("src");
    let engine: Vec<&Source> = all
        .iter()
        .filter(|source| house_part(&source.path) == "engine" && source.path != "src/engine/clock.rs")
        .collect();
    nowhere("only engine/clock.rs asks the machine", &places(engine.clone(), &["SystemTime", "rustix", "getrandom"]));
    nowhere("files are behind a port", &places(engine, &["std::fs", "tokio::fs", "std::env"]));
}

#[test]
fn nothing_is_aborted_and_only_main_exits() {
    let all = sources("src");
    nowhere("no task is aborted and no thread killed", &places(&all, &[".abort(", ".abort_handle("]));
    let others = all.iter().filter(|source| source.path != "src/main.rs");
    nowhere("only main.rs ends the process", &places(others, &["process::exit", "process::abort"]));
}

#[test]
fn unsafe_code_stands_in_one_module() {
    let is_it = |source: &Source| source.path == "src/lua/preempt.rs" || source.path.starts_with("src/lua/preempt/");
    let others = sources("src").into_iter().filter(|source| !is_it(source)).collect::<Vec<_>>();
    nowhere("unsafe code belongs into src/lua/preempt.rs", &places(&others, &["unsafe", "unsafe_code"]));
}

#[test]
fn no_channel_is_unbounded_and_nothing_is_left_to_do() {
    let all = sources("src");
    nowhere(
        "every capacity has a bound and a reason",
        &places(&all, &["unbounded_channel", "UnboundedSender", "UnboundedReceiver", "mpsc::unbounded"]),
    );
    let tests = sources("tests");
    for sources in [&all, &tests] {
        nowhere("nothing is left to do", &places(sources, &["todo!(", "unimplemented!(", "dbg!("]));
    }
}

#[test]
fn the_engine_knows_no_wire_and_no_terminal() {
    let forbidden = [
        "http",
        "https",
        "hyper",
        "axum",
        "reqwest",
        "grpc",
        "tonic",
        "websocket",
        "jsonrpc",
        "json_rpc",
        "mcp",
        "TcpListener",
        "TcpStream",
        "UdpSocket",
        "UnixStream",
        "UnixListener",
        "stdin",
        "stdout",
        "stderr",
        "println!",
        "eprintln!",
        "print!",
        "eprint!",
        "terminal",
        "tty",
        "ansi",
        "keymap",
        "widget",
    ];
    let engine = sources("src/engine");
    let mut found = Vec::new();
    for source in &engine {
        for (n, line) in (1..).zip(&source.code) {
            let lower = line.to_lowercase();
            for word in forbidden.iter().filter(|word| names(&lower, &word.to_lowercase())) {
                found.push(format!("{}:{n}: {word}", source.path));
            }
        }
    }
    nowhere("the engine is a library that knows of no transport, no terminal and no protocol", &found);
}

#[test]
fn every_asset_is_named_by_some_source() {
    let texts: Vec<String> =
        ["src", "tests"].into_iter().flat_map(sources).map(|source| source.text).chain(manifests()).collect();
    // By its name, or by its directory and its stem, which a macro puts together.
    let named = |path: &Path, text: &str| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let directory = path.parent().unwrap().to_str().unwrap();
        text.contains(name) || (text.contains(&format!("{directory}/\"")) && text.contains(&format!("\"{stem}\"")))
    };
    let unused: Vec<String> = files("assets")
        .into_iter()
        .filter(|path| !texts.iter().any(|text| named(path, text)))
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    nowhere("an asset that nothing names is dead weight: include it, test it or delete it", &unused);
}

fn manifests() -> impl Iterator<Item = String> {
    ["Cargo.toml", "build.rs"].into_iter().filter_map(|name| fs::read_to_string(root().join(name)).ok())
}

/// The file of every module that a source mounts, as far as this project mounts any: beside it, below it, or by path.
fn mounts(source: &Source) -> Vec<String> {
    let path = Path::new(&source.path);
    let dir = path.parent().unwrap();
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let own = if ["main", "lib", "mod"].contains(&stem) { dir.to_owned() } else { dir.join(stem) };
    let mut found = Vec::new();
    let mut by_path = None;
    for (code, text) in source.code.iter().zip(source.text.lines()) {
        let code = code.trim();
        if code.starts_with("#[path") {
            by_path = text.split('"').nth(1);
        }
        let declared = code.strip_suffix(';').and_then(|code| {
            let (visibility, name) = code.split_once("mod ")?;
            (visibility.is_empty() || visibility.starts_with("pub")).then_some(name)
        });
        if let Some(name) = declared {
            let file = match by_path.take() {
                Some(path) => dir.join(path),
                None if root().join(own.join(format!("{name}.rs"))).exists() => own.join(format!("{name}.rs")),
                None => own.join(name).join("mod.rs"),
            };
            found.push(plain(&file));
        }
    }
    found
}

/// A path without `..`.
fn plain(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.iter().map(|part| part.to_str().unwrap()) {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

#[test]
fn no_file_is_forgotten() {
    let all: Vec<Source> = ["src", "tests"].into_iter().flat_map(sources).collect();
    // What cargo builds by itself; a target in a subdirectory of tests has its own main.rs.
    let is_root = |path: &str| {
        let parts: Vec<&str> = path.split('/').collect();
        matches!(parts[..], ["src", "main.rs" | "lib.rs"] | ["tests", _, "main.rs"])
            || parts.len() == 2 && parts[0] == "tests"
    };
    let mounted: Vec<String> = all.iter().flat_map(mounts).collect();
    let forgotten: Vec<String> =
        all.iter().map(|source| source.path.clone()).filter(|path| !is_root(path) && !mounted.contains(path)).collect();
    nowhere("a file that no mod mounts is never compiled", &forgotten);
}

#[test]
fn no_test_is_switched_off() {
    let all: Vec<Source> = ["src", "tests"].into_iter().flat_map(sources).collect();
    nowhere("a test that does not run proves nothing", &places(&all, &["#[ignore"]));
}

#[test]
fn no_test_sleeps_on_real_time() {
    for tests in ["tests/it", "tests/support"] {
        nowhere("tests wait on conditions", &places(&sources(tests), &["thread::sleep"]));
    }
}

/// The rules are only as good as the eye that reads the sources.
#[test]
fn the_reader_of_sources_sees_code_and_nothing_else() {
    let text = concat!(
        "let a = \"tokio \\\" tokio\"; // tokio\n",
        "/* tokio /* tokio */ tokio */ let b = '\"'; let c = r#\"tokio \" tokio\"#;\n",
        "fn f<'a>(x: &'a str) { tokio::spawn(x) }\n",
    );
    let code = code_of(text);
    let lines: Vec<&str> = code.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(!names(lines[0], "tokio") && lines[0].starts_with("let a ="));
    assert!(!names(lines[1], "tokio") && lines[1].contains("let b =") && lines[1].contains("let c ="));
    assert!(names(lines[2], "tokio"));
    for (line, word, named) in [
        ("use mlua::Lua;", "mlua", true),
        ("let mlua_like = 1;", "mlua", false),
        ("handle.abort();", ".abort(", true),
        ("std::process::exit(1)", "process::exit", true),
        ("let subprocess::exit", "process::exit", false),
    ] {
        assert_eq!(names(line, word), named, "{word} in {line}");
    }
    let source = Source {
        path: "src/x/y.rs".into(),
        code: code_of("use crate::{domain::{A, B}, engine::C};\nuse crate::lua;").lines().map(str::to_owned).collect(),
        text: String::new(),
    };
    let used: Vec<(usize, String)> = uses(&source);
    assert_eq!(used, [(1, "domain".to_owned()), (1, "engine".to_owned()), (2, "lua".to_owned())]);
    assert_eq!(plain(Path::new("tests/it/../support/mod.rs")), "tests/support/mod.rs");
}
