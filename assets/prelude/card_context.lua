-- The option `card_context` of `alc.llm`: past cards go before the system text. Where they cannot be had, the question
-- is asked without them.

local host, kept = ...
local attempt, want, type = kept.attempt, host("want_card"), type

return {
  with_cards = function(context, system)
    if type(context) ~= "string" and type(context) ~= "table" then
      return system
    end
    local block = attempt("alc.llm", want("context", context))
    if block == nil then
      return system
    elseif type(system) == "number" or type(system) == "string" and system ~= "" then
      return block .. "\n\n" .. system
    end
    return block
  end,
}
