-- What `alc.llm` needs when it is given options or refused.

local host, kept = ...
local error, type = error, type

return {
  ask_with = function(ask, prompt, opts)
    if type(opts) ~= "table" then
      return host("misfit")(opts, 2)
    end
    local system = opts.system
    if opts.card_context ~= nil then
      system = kept.with_cards(opts.card_context, system)
    end
    return ask(prompt, system, opts.max_tokens, opts.grounded, opts.underspecified, opts.role,
      opts.cache_breakpoint)
  end,

  fail = function(text)
    error(text, 0)
  end,
}
