//! Compiles the source of a program.
//!
//! A tail call leaves no frame, so an error in a function that the outermost part of a program calls by `return f()`
//! could name no line of the program at all. The outermost part runs once and cannot call itself: there, and only there, the
//! compiled tail calls are turned into plain ones, which costs a frame and keeps the line.

use mlua::chunk::ChunkMode;
use mlua::{Function, Lua};

/// The instructions of Lua 5.4 that are looked for, by their numbers.
const CALL: u32 = 68;
const TAILCALL: u32 = 69;
const VARARG: u32 = 80;

/// The bits of an instruction that hold its number.
const OPCODE: u32 = 0x7f;

/// The bits that hold its arguments A and B; the others hold C and a flag, which for a plain call that passes on all
/// results are zero.
const A_AND_B: u32 = 0x00ff_7f80;

/// The function that a program's text stands for.
///
/// # Errors
/// What is wrong with the text. `...` is: a program is the body of a function without arguments.
pub(super) fn compile(lua: &Lua, name: &str, text: &str) -> mlua::Result<Function> {
    let compiled = lua.load(text).set_name(name).set_mode(ChunkMode::Text).into_function()?;
    let mut dumped = compiled.dump(false);
    let Some(code) = outermost_code(&mut dumped) else { return Ok(compiled) };
    let (mut has_tail_calls, mut has_varargs) = (false, false);
    for bytes in code.chunks_exact_mut(4) {
        let instruction = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        match instruction & OPCODE {
            TAILCALL => {
                has_tail_calls = true;
                bytes.copy_from_slice(&(instruction & A_AND_B | CALL).to_ne_bytes());
            }
            VARARG => has_varargs = true,
            _ => {}
        }
    }
    if has_varargs {
        // Lua itself says what is wrong, and where.
        let within = format!("return function() {text}\nend");
        lua.load(within).set_name(name).set_mode(ChunkMode::Text).into_function()?;
    }
    if has_tail_calls {
        return lua.load(dumped).set_name(name).set_mode(ChunkMode::Binary).into_function();
    }
    Ok(compiled)
}

/// The instructions of the outermost function in what Lua dumped; nothing where that looks different from what is known.
fn outermost_code(dumped: &mut [u8]) -> Option<&mut [u8]> {
    // Signature, version and format, a check of line ends, three sizes, an integer, a float, the number of upvalues.
    let mut at = 4 + 2 + 6 + 3 + 8 + 8 + 1;
    if dumped.get(..5)? != b"\x1bLua\x54" {
        return None;
    }
    let source = read_size(dumped, &mut at)?;
    at += source.saturating_sub(1);
    let (_first_line, _last_line) = (read_size(dumped, &mut at)?, read_size(dumped, &mut at)?);
    // Parameters, whether there may be more arguments, and the size of the stack.
    at += 3;
    let instructions = read_size(dumped, &mut at)?;
    dumped.get_mut(at..at.checked_add(instructions.checked_mul(4)?)?)
}

/// A number of seven bits a byte, the highest first; the last byte is marked.
fn read_size(dumped: &[u8], at: &mut usize) -> Option<usize> {
    let mut size = 0_usize;
    loop {
        let byte = *dumped.get(*at)?;
        *at += 1;
        size = size.checked_mul(128)? | usize::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            return Some(size);
        }
    }
}
