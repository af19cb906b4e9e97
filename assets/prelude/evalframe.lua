-- The module `evalframe`, as far as scenarios need it: cases, graders, scorers and what binds them. A module of that
-- name in a library directory comes first.

local host, kept = ...
local error, find, getmetatable, ipairs, setmetatable, sub, type =
  error, find, getmetatable, ipairs, setmetatable, sub, type
local decode = host("decode")

-- What makes a table a case, a grader, a scorer or a binding.
local CASE, GRADER, SCORER, BINDING = {}, {}, {}, {}

local function is(kind)
  return function(v)
    return type(v) == "table" and getmetatable(v) == kind
  end
end

local is_case, is_grader, is_scorer, is_binding = is(CASE), is(GRADER), is(SCORER), is(BINDING)

local function case(spec, name)
  if type(spec) ~= "table" or type(spec.input) ~= "string" then
    error("evalframe: a case needs a text as input", 3)
  end
  local made = {}
  for k, v in kept.next, spec do
    made[k] = v
  end
  made.name = name or spec.name or ""
  if spec.expected ~= nil and type(spec.expected) ~= "table" then
    made.expected = { spec.expected }
  end
  made.tags = spec.tags or {}
  return setmetatable(made, CASE)
end

-- `grader "name" { check = f }` and `scorer "name" { score = f }`.
local function named(kind, field, what)
  return function(name)
    return function(spec)
      if type(spec) ~= "table" or type(spec[field]) ~= "function" then
        error("evalframe: the " .. what .. " '" .. kept.readable(name) .. "' needs a function " .. field, 2)
      end
      return setmetatable({ name = kept.readable(name), [field] = spec[field] }, kind)
    end
  end
end

local grader, scorer = named(GRADER, "check", "grader"), named(SCORER, "score", "scorer")

-- A grader that looks whether one of the expected texts fits the answer.
local function expecting(name, fits)
  return grader(name) {
    check = function(response, of)
      for _, expected in ipairs(of.expected or {}) do
        if fits(response.text, kept.readable(expected)) then
          return true
        end
      end
      return false
    end,
  }
end

local graders = {
  exact_match = expecting("exact_match", function(text, expected)
    return text == expected
  end),
  contains = expecting("contains", function(text, expected)
    return find(text, expected, 1, true) ~= nil
  end),
  starts_with = expecting("starts_with", function(text, expected)
    return sub(text, 1, #expected) == expected
  end),
  ends_with = expecting("ends_with", function(text, expected)
    return expected == "" or sub(text, -#expected) == expected
  end),
  regex = grader "regex" {
    check = function(response, of)
      local pattern = of.context and of.context.pattern or of.expected and of.expected[1]
      -- The pattern is the program's own: it goes to the `find` that may be interrupted.
      return pattern ~= nil and response.text:find(pattern) ~= nil
    end,
  },
  json_valid = grader "json_valid" {
    check = function(response)
      return (decode(response.text)) == nil
    end,
  },
  not_empty = grader "not_empty" {
    check = function(response)
      return response.text ~= ""
    end,
  },
  length = grader "length" {
    check = function(response)
      return #response.text
    end,
  },
}

local function between(low, high)
  return function(v)
    if type(v) ~= "number" or v ~= v then
      return 0.0
    end
    local score = (v - low) / (high - low)
    return score < 0 and 0.0 or score > 1 and 1.0 or score
  end
end

local function at_least(share)
  return function(v)
    return type(v) == "number" and v >= share and 1.0 or v == true and 1.0 or 0.0
  end
end

local scorers = {
  bool = scorer "bool" {
    score = function(v)
      return v and v ~= 0 and 1.0 or 0.0
    end,
  },
  linear_1_5 = scorer "linear_1_5" { score = between(1, 5) },
  linear_1_10 = scorer "linear_1_10" { score = between(1, 10) },
  linear_0_100 = scorer "linear_0_100" { score = between(0, 100) },
  pass_50 = scorer "pass_50" { score = at_least(0.5) },
  pass_80 = scorer "pass_80" { score = at_least(0.8) },
}

local function bind(spec)
  local weight = spec.weight == nil and 1.0 or spec.weight
  if type(weight) ~= "number" or weight < 0 then
    error("evalframe: the weight of a binding must be a number that is not negative", 2)
  end
  local made = { weight = weight }
  for _, part in ipairs(spec) do
    if type(part) == "function" then
      part = grader "function" { check = part }
    end
    if is_grader(part) then
      made.grader = part
    elseif is_scorer(part) then
      made.scorer = part
    else
      error("evalframe: a binding is made of a grader and a scorer, not of a " .. type(part), 2)
    end
  end
  if not made.grader then
    error("evalframe: a binding needs a grader", 2)
  end
  made.scorer = made.scorer or made.grader.scorer or scorers.bool
  return setmetatable(made, BINDING)
end

-- A function with fields.
local function callable(f, fields)
  return setmetatable(fields, {
    __call = function(_, ...)
      return f(...)
    end,
  })
end

local evalframe = {
  case = callable(function(spec)
    if type(spec) == "string" then
      return function(of_name)
        return case(of_name, spec)
      end
    end
    return case(spec)
  end, { is_case = is_case }),
  bind = callable(bind, { is_binding = is_binding }),
  grader = callable(grader, { is_grader = is_grader }),
  scorer = callable(scorer, { is_scorer = is_scorer }),
  graders = graders,
  scorers = scorers,
  suite = function(name)
    return function(spec)
      return kept.suite(name, spec)
    end
  end,
}

kept.add_judges(evalframe)
return { evalframe = evalframe }
