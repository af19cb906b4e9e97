-- `alc.budget_remaining` and `alc.budget_check`.

local host = ...
local budget = host("budget")

return {
  budget_remaining = function()
    local is_set, llm_calls, elapsed_ms, tokens = budget(true)
    if is_set then
      return { llm_calls = llm_calls, elapsed_ms = elapsed_ms, tokens = tokens }
    end
    return nil
  end,
  budget_check = function()
    local is_set, llm_calls, elapsed_ms = budget(true)
    return not (is_set and (llm_calls and llm_calls <= 0 or elapsed_ms and elapsed_ms <= 0))
  end,
}
