-- Errors: protected calls, and what becomes of an error that nothing catches.

local host, kept = ...
local error, isyieldable, pcall, sub, type, xpcall, yield = error, isyieldable, pcall, sub, type, xpcall, yield
local condemned, trace = host("condemned"), host("trace")

-- What a caught error becomes. One that ends the session must not be caught: once the host says that it is one, the
-- program never goes on. One that comes out of the code of a part loses its position, which is none.
--
-- Running out of memory is known by its text alone, so a program that raises this very text ends as well. Lua itself
-- makes no difference: `lua_error` gives the text the status of a memory error whoever raises it, no message handler
-- sees it, and buffers of the C library raise it like any program, without an emergency collection. Wrapping `error` and
-- `assert` would tell, but costs `return error(…)` its line. The allocator keeps no word of what it has refused, and what
-- is in use does not tell either: a single text may have been too large for an almost empty heap.
local function check(ok, ...)
  if not ok then
    local e = ...
    if type(e) == "string" then
      if sub(e, 1, 6) == "?:-1: " then
        return false, sub(e, 7)
      elseif e ~= "not enough memory" then
        return false, e
      end
    elseif type(e) ~= "userdata" then
      return false, e
    end
    if condemned(e) then
      if isyieldable() then
        yield()
      end
      error(e, 0)
    end
  end
  return ok, ...
end

return {
  check = check,

  protected_call = function(...)
    return check(pcall(...))
  end,

  -- A handler runs where an error is raised. One that the hook raises must not reach a handler of the program: that
  -- would run within the hook, where no hook can end it.
  handled_call = function(f, handler, ...)
    if type(handler) ~= "function" then
      error("bad argument #2 to 'xpcall' (function expected, got " .. type(handler) .. ")", 2)
    end
    return check(xpcall(f, function(e)
      if type(e) == "userdata" then
        return e
      end
      return handler(e)
    end, ...))
  end,

  -- The message handler of the program as a whole.
  trace = function(e)
    if type(e) == "userdata" then
      return e
    end
    return trace(e)
  end,

  -- The text of an error that nothing caught.
  explain = function(e)
    check(false, e)
    local told, text = pcall(kept.readable, e)
    if not told then
      check(false, text)
      text = "(error object is a " .. type(e) .. " value)"
    end
    return kept.FAILED, text
  end,

  refuse_metatable = function(t, mt)
    if type(t) ~= "table" then
      error("bad argument #1 to 'setmetatable' (table expected, got " .. type(t) .. ")", 3)
    elseif type(mt) ~= "table" then
      error("bad argument #2 to 'setmetatable' (nil or table expected)", 3)
    end
    error("setmetatable: __gc is not available in a session", 3)
  end,

  collect_nothing = function()
    return 0
  end,
}
