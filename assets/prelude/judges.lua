-- Graders that ask: a rubric, a question of yes or no, and whether an answer agrees with what was expected. Their
-- questions have the role `grader`, so that whoever answers can tell them from the program's own.

local _, kept = ...
local alc, concat, ipairs, match, readable, tonumber, type =
  alc, concat, ipairs, match, kept.readable, tonumber, type

local SYSTEM = "You grade answers. Judge only what is there, and reply in exactly the form that is asked for."

local function ask(lines, max_tokens)
  return alc.llm(concat(lines, "\n"), { system = SYSTEM, max_tokens = max_tokens, role = "grader" })
end

local function expected_of(case)
  local texts = {}
  for i, text in ipairs(case.expected or {}) do
    texts[i] = readable(text)
  end
  return concat(texts, "\nor: ")
end

-- A mark from 1 to 5 in a reply; nothing where there is none.
local function mark_of(reply)
  return tonumber((match(reply, "%d+")))
end

local function setting(case, name, given, default)
  return given or case[name] or type(case.context) == "table" and case.context[name] or default
end

return {
  add_judges = function(evalframe)
    local grader, scorers = evalframe.grader, evalframe.scorers

    local function rubric(text)
      local made = grader "llm_rubric" {
        check = function(response, case)
          return mark_of(ask({
            "Give the answer below a mark from 1 (worst) to 5 (best).", "",
            "What counts: " .. setting(case, "rubric", text, "it is right, complete and clear"), "",
            "The task was:", case.input, "",
            "The answer:", response.text, "",
            "Reply with one digit.",
          }, 10))
        end,
      }
      made.scorer = scorers.linear_1_5
      return made
    end

    local function yes_no(question)
      return grader "llm_yes_no" {
        check = function(response, case)
          return alc.match_bool(ask({
            "Answer a question about the answer below.", "",
            "The question: " .. setting(case, "question", question, "Does the answer do what the task asks?"), "",
            "The task was:", case.input, "",
            "The answer:", response.text, "",
            "Reply with yes or no.",
          }, 10)) == true
        end,
      }
    end

    local function factuality()
      return grader "llm_factuality" {
        check = function(response, case)
          return alc.match_bool(ask({
            "Say whether the answer below agrees with what is known to be right.", "",
            "The task was:", case.input, "",
            "Known to be right: " .. expected_of(case), "",
            "The answer:", response.text, "",
            "It may say more or say it differently, but must not contradict. Reply with yes or no.",
          }, 10)) == true
        end,
      }
    end

    evalframe.graders.llm_rubric, evalframe.graders.llm_yes_no = rubric(), yes_no()
    evalframe.graders.llm_factuality = factuality()
    evalframe.llm_graders = { rubric = rubric, yes_no = yes_no, factuality = factuality }
  end,
}
