-- `alc.eval`: a strategy against a scenario.

local host, kept = ...
local alc, check, error, format, ipairs, match, next, pcall, readable, type =
  alc, kept.check, error, format, ipairs, match, next, pcall, kept.readable, type
local seed, want_card = host("seed"), host("want_card")

-- In these fields of a result a strategy may have put its text.
local TEXTS = { "answer", "summary", "output", "text" }

local function text_of(made)
  if type(made) ~= "table" then
    return readable(made)
  end
  local result = made.result
  if result == nil then
    result = made
  elseif type(result) ~= "table" then
    return readable(result)
  end
  for _, name in ipairs(TEXTS) do
    if type(result[name]) == "string" then
      return result[name]
    end
  end
  return alc.json_encode(result)
end

-- What runs the strategy for one case.
local function provider(strategy, opts)
  return function(input)
    local package = kept.require_module(strategy)
    if type(package) ~= "table" or type(package.run) ~= "function" then
      error("alc.eval: strategy '" .. strategy .. "' must export run(ctx)", 0)
    end
    local ctx = { task = input }
    for name, value in next, opts or {} do
      ctx[name] = value
    end
    return text_of(package.run(ctx))
  end
end

-- The table that a scenario is; errors name the caller of `alc.eval`.
local function resolved(scenario)
  if type(scenario) == "table" then
    return scenario
  end
  local ok, found = check(pcall(kept.require_module, scenario))
  if not ok then
    local file = kept.read_scenario(scenario)
    if not file then
      error("alc.eval: could not resolve scenario '" .. scenario .. "'", 3)
    end
    local chunk, why = kept.load(file.text, "=" .. file.path, "t")
    if not chunk then
      check(false, why)
      error("alc.eval: failed to load scenario '" .. scenario .. "': " .. why, 3)
    end
    found = chunk()
  end
  if type(found) ~= "table" then
    error("alc.eval: scenario resolved to " .. type(found) .. ", expected table", 3)
  end
  return found
end

-- A binding for a grader that is given by its name or as a function.
local function bound(evalframe, given)
  if type(given) == "string" then
    local grader = evalframe.graders[given]
    if not grader then
      error("alc.eval: unknown grader '" .. given .. "'", 4)
    end
    given = grader
  elseif type(given) ~= "function" and not evalframe.grader.is_grader(given) then
    error("alc.eval: grader must be a string name or function, got " .. type(given), 4)
  end
  return evalframe.bind { given }
end

-- The suite that a scenario stands for, in its full form (bindings in its array part) or in its simple one.
local function suite_of(evalframe, scenario, run)
  local spec, is_full = { provider = scenario.provider or run, cases = {} }, false
  for i, entry in ipairs(scenario) do
    is_full = is_full or evalframe.bind.is_binding(entry)
    spec[i] = entry
  end
  if not is_full then
    for i in ipairs(scenario) do
      spec[i] = nil
    end
    for i, grader in ipairs(scenario.graders or { "exact_match" }) do
      spec[i] = bound(evalframe, grader)
    end
  end
  for i, case in ipairs(scenario.cases or {}) do
    if type(case) ~= "table" or case.input == nil then
      error("alc.eval: case #" .. i .. " must have an 'input' field", 3)
    end
    spec.cases[i] = case
  end
  return spec
end

-- A card that may be called anything. The name that it is given has a second in it and no more: of the same reports of
-- one second the first has that name, and each other one adds digits of its own, from the session's record.
local function create(card)
  local name
  while true do
    local made, why = kept.attempt("alc.card.create", want_card("create", card))
    if made then
      return made
    end
    local taken = match(why, "^alc%.card%.create: card '(.+)' already exists %(immutable%)$")
    if not taken then
      error(why, 0)
    end
    name = name or taken
    card.card_id = format("%s_%06x", name, seed() & 0xffffff)
  end
end

local function write_card(report, scenario, strategy, opts)
  local sums = report.aggregated
  local card = create {
    pkg = { name = opts.card_pkg or strategy },
    scenario = { name = scenario },
    stats = {
      pass_rate = sums.pass_rate, mean_score = sums.scores.mean, n = sums.total, passed = sums.passed,
    },
  }
  alc.card.write_samples(card.card_id, report.results)
  alc.log("info", "alc.eval: wrote card " .. card.card_id)
  return card.card_id
end

return {
  eval = function(scenario, strategy, opts)
    if not scenario then
      error("alc.eval: scenario is required", 2)
    elseif type(scenario) ~= "string" and type(scenario) ~= "table" then
      error("alc.eval: scenario must be a string or table", 2)
    elseif type(strategy) ~= "string" then
      error("alc.eval: strategy must be a string package name", 2)
    end
    opts = opts or {}
    local spec = resolved(scenario)
    local name = type(scenario) == "string" and scenario or spec.name or "inline"
    local suite = suite_of(kept.evalframe, spec, provider(strategy, opts.strategy_opts))
    local title = strategy .. ":" .. readable(name)
    if #suite.cases == 0 then
      error("suite '" .. title .. "': no cases to evaluate", 2)
    end
    local report = kept.suite(title, suite):run().to_table()
    if opts.auto_card then
      report.card_id = write_card(report, readable(name), strategy, opts)
    end
    return report
  end,
}
