-- What every session has from its first instruction on. The rest of the prelude is in parts that are loaded on first
-- use; this is kept small, since every session pays for it.
--
-- What a coroutine of ours can yield: nothing at all (the instruction hook did: the slice is over), ASK (something is
-- wanted from outside; what the resume brings is the reply), or YIELDED and values (the program itself yielded).
-- No program can make these marks, so nothing it does is mistaken for them.
--
-- All of it is run as stripped bytecode: its frames have no lines, and an error of level 2 names the program's line.
-- Its globals are the fields of `kept`: the original functions and what the parts give each other. No program can reach
-- or change them.

local kept, FINISHED = ...
local rawget, setmetatable, type, xpcall = rawget, setmetatable, type, xpcall

return function(t, mt)
  local kind = type(mt)
  if kind == "table" and rawget(mt, "__gc") ~= nil or type(t) ~= "table" or kind ~= "table" and kind ~= "nil" then
    kept.refuse_metatable(t, mt)
  end
  return setmetatable(t, mt)
end, function(v)
  -- Called by the function `tostring`, which the program called.
  return kept.text_of(v, 3)
end, function(name)
  return function(...)
    return kept[name](...)
  end
end, function(program)
  local ok, value = xpcall(program, function(e)
    return kept.trace(e)
  end)
  if ok then
    return FINISHED, value
  end
  return kept.explain(value)
end
