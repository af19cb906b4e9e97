-- The option `card_context` of `alc.llm`: past cards go before the system text.

local host, kept = ...
local perform, want, type = kept.perform, host("want_card"), type

return {
  with_cards = function(context, system)
    if type(context) ~= "string" and type(context) ~= "table" then
      return system
    end
    local block = perform(want("context", context))
    if block == nil then
      return system
    elseif type(system) == "number" or type(system) == "string" and system ~= "" then
      return block .. "\n\n" .. system
    end
    return block
  end,
}
