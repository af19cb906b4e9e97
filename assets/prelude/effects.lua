-- What is done for a program outside: it waits, and gets a value or an error.

local host = ...
local ASK, REFUSED, error, yield = ASK, REFUSED, error, yield

local function perform(refused)
  if refused then
    error(refused, 0)
  end
  local value, why = yield(ASK)
  if value == REFUSED then
    error("attempt to yield across a C-call boundary", 0)
  elseif why then
    error(why, 0)
  end
  return value
end

return {
  perform = perform,

  -- The file of a scenario, `{ path, text }`; nil where there is none.
  read_scenario = function(name)
    return perform(host("want_scenario")(name))
  end,
}
