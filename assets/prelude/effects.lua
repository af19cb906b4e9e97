-- What is done for a program outside: it waits, and gets a value or an error.

local host, kept = ...
local ASK, REFUSED, error, isyieldable, yield = ASK, REFUSED, error, isyieldable, yield

-- The value; or nil and why there is none. `name` is the function that the program called.
local function attempt(name, refused)
  if refused then
    return nil, refused
  end
  local value, why = REFUSED, nil
  if isyieldable() then
    value, why = yield(ASK)
  end
  if value == REFUSED then
    kept.cannot_wait(name)
  end
  return value, why
end

local function perform(name, refused)
  local value, why = attempt(name, refused)
  if why then
    error(why, 0)
  end
  return value
end

return {
  attempt = attempt,
  perform = perform,

  -- The file of a scenario, `{ path, text }`; nil where there is none.
  read_scenario = function(name)
    return perform("alc.eval", host("want_scenario")(name))
  end,
}
