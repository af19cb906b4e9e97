-- Other ways to ask: `alc.llm` with a memory, a default, an answer that must be JSON, or a mark on the question.

local host, kept = ...
local alc, concat, error, next, readable, type = alc, concat, error, next, kept.readable, type
local check, fingerprint, pcall = kept.check, host("fingerprint"), pcall

-- So many answers are remembered; the oldest goes first.
local REMEMBERED = 256

-- The answers by key, and the keys in the order in which they came: `order[first]` is the oldest.
local answers, order, first, last = {}, {}, 1, 0
local hits, misses = 0, 0

local function copy(opts)
  local out = {}
  if opts ~= nil then
    for k, v in next, opts do
      out[k] = v
    end
  end
  return out
end

local function remember(key, answer)
  if answers[key] == nil then
    last = last + 1
    order[last] = key
    if last - first >= REMEMBERED then
      answers[order[first]], order[first] = nil, nil
      first = first + 1
    end
  end
  answers[key] = answer
end

local function key_of(prompt, opts)
  if opts and opts.cache_key ~= nil then
    return opts.cache_key
  end
  local words = { readable(prompt) }
  if opts and opts.system ~= nil then
    words[#words + 1] = readable(opts.system)
  end
  if opts and opts.max_tokens ~= nil then
    words[#words + 1] = readable(opts.max_tokens)
  end
  return fingerprint(concat(words, "\0"))
end

-- `alc.llm` with a copy of the options and one of them set.
local function with(prompt, opts, name)
  opts = copy(opts)
  opts[name] = true
  return alc.llm(prompt, opts)
end

return {
  cache = function(prompt, opts)
    if opts and opts.cache_skip then
      return alc.llm(prompt, opts)
    end
    local key = key_of(prompt, opts)
    local answer = answers[key]
    if answer ~= nil then
      hits = hits + 1
      alc.log("debug", "alc.cache: a hit for " .. readable(key))
      return answer
    end
    misses = misses + 1
    alc.log("debug", "alc.cache: a miss for " .. readable(key))
    answer = alc.llm(prompt, opts)
    remember(key, answer)
    return answer
  end,

  cache_info = function()
    return { entries = last - first + 1, hits = hits, misses = misses, max_entries = REMEMBERED }
  end,

  cache_clear = function()
    answers, order, first, last = {}, {}, 1, 0
    hits, misses = 0, 0
  end,

  llm_safe = function(prompt, opts, default)
    local ok, answer = check(pcall(alc.llm, prompt, opts))
    if ok then
      return answer
    end
    alc.log("warn", "alc.llm_safe: " .. readable(answer))
    return default
  end,

  llm_json = function(prompt, opts)
    local raw = alc.llm(prompt, opts)
    local value = alc.json_extract(raw)
    if value then
      return value, raw
    end
    alc.log("warn", "alc.llm_json: the answer is no JSON; asking once more")
    opts = copy(opts)
    opts.system = "Output ONLY valid JSON. No markdown fences, no explanation."
    raw = alc.llm("The previous response was not valid JSON.\n\nPrevious output:\n" .. raw
      .. "\n\nFix the JSON and return ONLY valid JSON.\n\nOriginal request:\n" .. prompt, opts)
    value = alc.json_extract(raw)
    if not value then
      alc.log("warn", "alc.llm_json: the second answer is no JSON either")
    end
    return value, raw
  end,

  ground = function(claim, opts)
    return with(claim, opts, "grounded")
  end,

  specify = function(prompt, opts)
    return with(prompt, opts, "underspecified")
  end,
}
