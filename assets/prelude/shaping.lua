-- Texts and tables in other shapes: fingerprints, pieces, votes, and defaults with what a caller set.

local host, kept = ...
local alc, error, find, ipairs, pairs, readable, sub, type =
  alc, error, find, ipairs, pairs, kept.readable, sub, type
local chunk, fingerprint = host("chunk"), host("fingerprint")

local function trimmed(text)
  local from, to = find(text, "%S"), #text
  if not from then
    return ""
  end
  while find(text, "^%s", to) do
    to = to - 1
  end
  return sub(text, from, to)
end

local function tuning(defaults, given)
  local out = {}
  for name, default in pairs(defaults) do
    local value = given[name]
    if name == "_schema" then
      value = nil
    elseif value == nil then
      value = default
    elseif type(default) == "table" and type(value) == "table" and default[1] == nil then
      value = tuning(default, value)
    end
    out[name] = value
  end
  return out
end

return {
  fingerprint = function(text)
    return fingerprint(readable(text))
  end,

  chunk = function(text, opts)
    local refused, pieces = chunk(text, opts)
    if refused then
      error(refused, 0)
    end
    return pieces
  end,

  vote = function(answers)
    local counts, order = {}, {}
    for _, answer in ipairs(answers) do
      local text = trimmed(readable(answer))
      if not counts[text] then
        counts[text] = 0
        order[#order + 1] = text
      end
      counts[text] = counts[text] + 1
    end
    local winner, count = nil, 0
    for _, text in ipairs(order) do
      if counts[text] > count then
        winner, count = text, counts[text]
      end
    end
    return { winner = winner, count = count, total = #answers }
  end,

  tuning = function(defaults, ctx, opts)
    if type(defaults) ~= "table" then
      return defaults
    end
    local given, prefix = ctx or {}, opts and opts.prefix
    if prefix then
      local own = given[prefix]
      if type(own) == "table" then
        given = own
      elseif own ~= nil then
        alc.log("warn", "alc.tuning: ctx." .. readable(prefix) .. " is no table; the defaults stand")
        given = {}
      end
    end
    return tuning(defaults, given)
  end,
}
