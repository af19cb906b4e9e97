//! The picture in the README is the desk itself: the demo's programs, run by the engine under a clock of this test, and
//! drawn into an SVG file. `UPDATE_ASSETS=1` makes it anew; without, a stale file fails.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use switchboard::config::Depth;
use switchboard::domain::{EventKind, ExecutionState, SessionId};
use switchboard::engine::{MemoryJournal, Progress, Registry, RegistryConfig, Summary};
use switchboard::lua::LuaVms;
use switchboard::tui::{FeedItem, Look, Msg, view};
use tokio::runtime::Handle;

use super::Desk;
use crate::support::{HandClock, NoFiles, Seeded, bounded, until};

/// Columns and rows: what a README shows without scrolling.
const SIZE: (u16, u16) = (110, 30);

/// A cell in the units of the picture.
const CELL: (f32, f32) = (8.4, 18.0);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_picture_of_the_readme_is_the_desk_on_the_demo() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/desk.svg");
    assert!(include_str!("../../../README.md").contains("(assets/desk.svg)"));
    let drawn = svg(&picture().await);
    if std::env::var_os("UPDATE_ASSETS").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    let file = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(file == drawn, "assets/desk.svg is stale; UPDATE_ASSETS=1 makes it anew, then look at it");
}

/// The demo a few seconds after its start, while the first question is answered.
async fn picture() -> Buffer {
    let clock = Arc::new(HandClock::new());
    let registry = Registry::new(RegistryConfig {
        vms: Arc::new(LuaVms::new()),
        journal: Arc::new(MemoryJournal::default()),
        clock: Arc::clone(&clock) as _,
        entropy: Arc::new(Seeded::new(7)),
        files: Arc::new(NoFiles),
        library_dirs: Vec::new(),
        runtime: Handle::current(),
    });
    let mut summaries = Vec::new();
    for spec in switchboard::cli::examples() {
        let title = spec.display_title().to_owned();
        let id = registry.spawn(spec).await.unwrap();
        summaries.push(match title.as_str() {
            "prime counting" => first_progress(&registry, id).await,
            "endless loop" => registry.summary(id).unwrap(),
            // The others come to where somebody is needed, or to their end.
            _ => {
                until(&registry, id, |state| !matches!(state, ExecutionState::Running { .. })).await;
                registry.summary(id).unwrap()
            }
        });
        // Each began a moment behind the one before, so that their order is theirs.
        clock.advance(700);
    }
    let mut desk = Desk::looking(Look { depth: Depth::True, ..Look::default() }, SIZE.0, SIZE.1);
    desk.tell(Msg::Time(HandClock::START + 12_000));
    let first = summaries[0].id;
    desk.tell(Msg::Changed(summaries));
    assert_eq!(desk.app.selected(), Some(first));
    desk.keys("a critical");
    let observer = registry.observe(first, None).unwrap();
    let reason = crate::support::reason(switchboard::domain::CancelCode::User, "the picture is done", 0);
    registry.cancel(first, reason).await.unwrap();
    let events = bounded(crate::support::stream(observer)).await;
    let until_asked = events.iter().take_while(|event| !matches!(event.kind, EventKind::CancelRequested { .. }));
    desk.tell(Msg::Feed(first, until_asked.cloned().map(FeedItem::Event).collect()));
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).unwrap();
    terminal.draw(|frame| view(&desk.app, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// A running session as it was when it first said how far it is: later would be another place in every run.
async fn first_progress(registry: &Registry, id: SessionId) -> Summary {
    let mut summary = registry.summary(id).unwrap();
    let mut observer = registry.observe(id, None).unwrap();
    bounded(async {
        loop {
            if let Ok(event) = observer.recv().await
                && let EventKind::Progress { step, total, message } = &event.kind
            {
                let progress = Progress { step: *step, total: *total, message: message.clone() };
                summary.progress = Some(Arc::new(progress));
                summary.last_seq = event.seq;
                return;
            }
        }
    })
    .await;
    summary
}

/// A picture of cells as an SVG file: one text a row, one run for each change of look.
fn svg(picture: &Buffer) -> String {
    let (width, height) = (f32::from(SIZE.0) * CELL.0, f32::from(SIZE.1) * CELL.1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#16181d\"/>\n"
    );
    for y in 0..SIZE.1 {
        let mut x = 0;
        while x < SIZE.0 {
            let look = look_of(&picture[(x, y)]);
            let start = x;
            let mut text = String::new();
            while x < SIZE.0 && look_of(&picture[(x, y)]) == look {
                text.push_str(picture[(x, y)].symbol());
                x += 1;
            }
            run(&mut svg, &text, start, x, y, &look);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Foreground, background, and what else sets a text off.
type CellLook = (String, Option<String>, &'static str);

fn look_of(cell: &Cell) -> CellLook {
    let mut foreground = colour(cell.fg).unwrap_or_else(|| "#d8dee9".to_owned());
    let mut background = colour(cell.bg);
    if cell.modifier.contains(Modifier::DIM) {
        "#8a919e".clone_into(&mut foreground);
    }
    if cell.modifier.contains(Modifier::REVERSED) {
        background = Some(foreground.clone());
        "#16181d".clone_into(&mut foreground);
    }
    (foreground, background, if cell.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" })
}

fn colour(colour: Color) -> Option<String> {
    match colour {
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        _ => None,
    }
}

fn run(svg: &mut String, text: &str, start: u16, end: u16, y: u16, (foreground, background, weight): &CellLook) {
    let (left, top, width) = (f32::from(start) * CELL.0, f32::from(y) * CELL.1, f32::from(end - start) * CELL.0);
    if let Some(background) = background {
        let height = CELL.1;
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{background}\"/>"
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let baseline = top + 13.5;
    let _ = writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{baseline:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
         fill=\"{foreground}\"{weight} xml:space=\"preserve\">{text}</text>"
    );
}
