-- `print`: one line of the session's log. `__tostring` is not honoured.

local host, kept = ...
local concat, isyieldable, plain_text_of, select, tostring, type, yield =
  concat, isyieldable, kept.plain_text_of, select, tostring, type, yield
local number_text, say = host("number_text"), host("print")

return {
  print_line = function(...)
    local words = { ... }
    for i = 1, select("#", ...) do
      local word = words[i]
      local kind = type(word)
      if kind == "number" then
        words[i] = number_text(word)
      elseif kind == "boolean" or kind == "nil" then
        words[i] = tostring(word)
      elseif kind ~= "string" then
        words[i] = plain_text_of(word)
      end
    end
    if say(concat(words, "\t", 1, select("#", ...))) and isyieldable() then
      yield()
    end
  end,
}
