-- What programs look for in an answer: JSON, a score, a number, one of some words, yes or no.

local host, kept = ...
local error, match, readable, tonumber, type = error, match, kept.readable, tonumber, type
local json_extract, match_bool, match_enum = host("json_extract"), host("match_bool"), host("match_enum")

local function result(refused, value)
  if refused then
    error(refused, 0)
  end
  return value
end

return {
  json_extract = function(raw)
    if type(raw) ~= "string" then
      return nil
    end
    return json_extract(raw)
  end,

  parse_score = function(text, default)
    local score = tonumber(match(readable(text), "%d+"))
    if not score then
      return default or 5
    elseif score < 1 then
      return 1
    elseif score > 10 then
      return 10
    end
    return score
  end,

  parse_number = function(text, pattern)
    if type(text) ~= "string" then
      return nil
    elseif pattern then
      -- The pattern is the program's own: it goes to the `match` that may be interrupted.
      return tonumber((text:match(pattern)))
    end
    return tonumber(match(text, "%-?%d+%.?%d*"))
  end,

  match_enum = function(text, candidates, opts)
    return result(match_enum(text, candidates, opts))
  end,

  match_bool = function(text)
    return result(match_bool(text))
  end,
}
