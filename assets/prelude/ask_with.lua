-- What `alc.llm` needs when it is given options or refused.

local host, kept = ...
local error, type = error, type
local ask, refused = host("ask_with"), host("cannot_wait")

return {
  ask_with = function(prompt, opts)
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

  -- A question cannot get out of a C function or a message handler: Lua itself cannot yield there.
  cannot_wait = function(name)
    kept.fail(refused(name))
  end,
}
