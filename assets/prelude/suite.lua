-- Runs a suite of cases: asks its provider, grades what comes back, adds up.

local host, kept = ...
local alc, check, concat, error, format, ipairs, next, pcall, readable, sort, type =
  alc, kept.check, concat, error, format, ipairs, next, pcall, kept.readable, sort, type
local decode, t_critical = host("decode"), host("t_critical")

-- A score this near to 1 passes: weights seldom add up exactly.
local PASS = 1 - 1e-6

-- An array that stays one in JSON though it is empty.
local function array()
  local _, made = decode("[]")
  return made
end

local function answer_of(provider, case)
  local ok, said = check(pcall(provider, case.input))
  if not ok then
    return { text = "", error = readable(said) }
  elseif type(said) == "string" then
    return { text = said }
  elseif type(said) ~= "table" then
    return { text = "", error = "the provider gave a " .. type(said) }
  end
  return { text = type(said.text) == "string" and said.text or "", error = said.error, model = said.model }
end

local function graded(bindings, case, response)
  local grades, sum, weights = array(), 0.0, 0.0
  for i, binding in ipairs(bindings) do
    local ok, grade = check(pcall(binding.grader.check, response, case))
    local entry = { grader = binding.grader.name, weight = binding.weight, score = 0.0 }
    if ok then
      entry.grade = type(grade) ~= "table" and type(grade) ~= "function" and grade or readable(grade)
      entry.score = binding.scorer.score(grade)
    else
      entry.error = readable(grade)
    end
    grades[i] = entry
    sum = sum + entry.score * binding.weight
    weights = weights + binding.weight
  end
  return grades, weights > 0 and sum / weights or 0.0
end

local function describe(scores)
  local n, sum = #scores, 0.0
  sort(scores)
  for _, score in ipairs(scores) do
    sum = sum + score
  end
  local mean, spread = sum / n, 0.0
  for _, score in ipairs(scores) do
    spread = spread + (score - mean) ^ 2
  end
  local half = n // 2
  return {
    n = n,
    mean = mean,
    std_dev = n > 1 and (spread / (n - 1)) ^ 0.5 or 0.0,
    min = scores[1],
    max = scores[n],
    median = n % 2 == 1 and scores[half + 1] or (scores[half] + scores[half + 1]) / 2,
  }
end

-- Where the true mean lies with a probability of 95 percent, by the t distribution.
local function interval(scores)
  if scores.n < 2 then
    return { lower = scores.mean, upper = scores.mean }
  end
  local margin = t_critical(scores.n - 1) * scores.std_dev / scores.n ^ 0.5
  local lower, upper = scores.mean - margin, scores.mean + margin
  return { lower = lower < 0 and 0.0 or lower, upper = upper > 1 and 1.0 or upper }
end

local function aggregated(results)
  local scores, passed, by_tag = {}, 0, {}
  for i, result in ipairs(results) do
    scores[i] = result.score
    passed = passed + (result.passed and 1 or 0)
    for _, tag in ipairs(result.case.tags) do
      tag = readable(tag)
      local of_tag = by_tag[tag] or { pass = 0, fail = 0 }
      by_tag[tag] = of_tag
      local side = result.passed and "pass" or "fail"
      of_tag[side] = of_tag[side] + 1
      of_tag.rate = of_tag.pass / (of_tag.pass + of_tag.fail)
    end
  end
  local described = describe(scores)
  return {
    total = #results,
    passed = passed,
    pass_rate = passed / #results,
    pass_at_1 = passed / #results,
    scores = described,
    ci_95 = interval(described),
    by_tag = by_tag,
  }
end

local function summary(name, of)
  local lines = {
    "Suite: " .. name,
    format("Cases: %d  Pass: %d  Fail: %d", of.total, of.passed, of.total - of.passed),
    format("pass@1: %.2f", of.pass_at_1),
    format("Mean: %.3f  StdDev: %.3f  95%% CI: [%.3f, %.3f]", of.scores.mean, of.scores.std_dev, of.ci_95.lower,
      of.ci_95.upper),
  }
  local tags = {}
  for tag in next, of.by_tag do
    tags[#tags + 1] = tag
  end
  sort(tags)
  for _, tag in ipairs(tags) do
    local of_tag = of.by_tag[tag]
    lines[#lines + 1] = format("  %s %d/%d (%.2f)", tag, of_tag.pass, of_tag.pass + of_tag.fail, of_tag.rate)
  end
  return concat(lines, "\n")
end

local function run(suite)
  if #suite.cases == 0 then
    error("suite '" .. suite.name .. "': no cases to evaluate", 2)
  end
  local results, failures = array(), array()
  for i, case in ipairs(suite.cases) do
    local response = answer_of(suite.provider, case)
    local grades, score = graded(suite.bindings, case, response)
    local of = { name = case.name, input = case.input, expected = case.expected, tags = case.tags }
    results[i] = { case = of, response = response, grades = grades, score = score, passed = score >= PASS }
    if not results[i].passed then
      failures[#failures + 1] = results[i]
    end
  end
  local sums = aggregated(results)
  local report = { name = suite.name, results = results, failures = failures, aggregated = sums }
  function report.summary()
    return summary(suite.name, sums)
  end
  function report.to_table()
    return { name = suite.name, results = results, failures = failures, aggregated = sums,
      summary = summary(suite.name, sums) }
  end
  return report
end

return {
  -- Errors name whoever wrote `suite "name" { … }`.
  suite = function(name, spec)
    local function fail(text)
      error("suite '" .. name .. "': " .. text, 4)
    end
    if type(spec) ~= "table" then
      fail("what it is made of must be a table")
    elseif type(spec.provider) ~= "function" then
      fail("provider must be a function")
    end
    local evalframe, bindings, cases = kept.evalframe, {}, {}
    for i, binding in ipairs(spec) do
      if not evalframe.bind.is_binding(binding) then
        fail("entry " .. i .. " must be a binding (ef.bind { … }), not a " .. type(binding))
      end
      bindings[i] = binding
    end
    if #bindings == 0 then
      fail("at least one binding required")
    end
    for i, case in ipairs(spec.cases or {}) do
      cases[i] = evalframe.case.is_case(case) and case or evalframe.case(case)
    end
    return { name = name, bindings = bindings, cases = cases, provider = spec.provider, run = run }
  end,
}
