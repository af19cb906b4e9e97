-- `alc.llm`: a question to whoever answers. Kept small, since nearly every session pays for it.

local host, kept = ...
local ASK, REFUSED, ask, yield = ASK, REFUSED, host("ask"), yield

return {
  llm = function(prompt, opts)
    local refused
    if opts == nil then
      refused = ask(prompt)
    else
      refused = kept.ask_with(prompt, opts)
    end
    if refused then
      return kept.fail(refused)
    end
    local answer = yield(ASK)
    if answer == REFUSED then
      return kept.cannot_wait("alc.llm")
    end
    return answer
  end,
}
