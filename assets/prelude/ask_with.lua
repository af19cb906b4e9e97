-- What `alc.llm` needs when it is given options or refused.

local host = ...
local error, type = error, type

return {
  ask_with = function(ask, prompt, opts)
    if type(opts) ~= "table" then
      return host("misfit")(opts, 2)
    end
    return ask(prompt, opts.system, opts.max_tokens, opts.grounded, opts.underspecified, opts.role,
      opts.cache_breakpoint)
  end,

  fail = function(text)
    error(text, 0)
  end,
}
