-- `alc.map`, `filter`, `reduce` and `parallel`: plain functions over arrays. Every callback may ask.

local alc, error, ipairs, type = alc, error, ipairs, type

return {
  map = function(items, f)
    local out = {}
    for i, item in ipairs(items) do
      out[i] = f(item, i)
    end
    return out
  end,

  filter = function(items, f)
    local out, n = {}, 0
    for i, item in ipairs(items) do
      if f(item, i) then
        n = n + 1
        out[n] = item
      end
    end
    return out
  end,

  reduce = function(items, f, init)
    local acc, from = init, 1
    if acc == nil then
      acc, from = items[1], 2
    end
    for i = from, #items do
      acc = f(acc, items[i], i)
    end
    return acc
  end,

  parallel = function(items, prompt_fn, opts)
    if type(items) ~= "table" or #items == 0 then
      error("alc.parallel: items must be a non-empty array", 2)
    elseif type(prompt_fn) ~= "function" then
      error("alc.parallel: prompt_fn must be a function", 2)
    end
    opts = opts or {}
    local queries = {}
    for i = 1, #items do
      local query = prompt_fn(items[i], i)
      if type(query) == "string" then
        query = { prompt = query, system = opts.system, max_tokens = opts.max_tokens }
      elseif type(query) ~= "table" then
        error("alc.parallel: prompt_fn must return string or table, got " .. type(query) .. " at index " .. i, 2)
      elseif type(query.prompt) ~= "string" then
        error("alc.parallel: prompt_fn returned table without .prompt at index " .. i, 2)
      end
      queries[i] = query
    end
    local answers = alc.llm_batch(queries)
    local post = opts.post_fn
    if post == nil then
      return answers
    end
    local out = {}
    for i = 1, #items do
      out[i] = post(answers[i], items[i], i)
    end
    return out
  end,
}
