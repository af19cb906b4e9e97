-- `alc.llm_batch`: several questions at once.

local host, kept = ...
local ASK, REFUSED, error, type, yield = ASK, REFUSED, error, type, yield
local ask_batch, misfit = host("ask_batch"), host("misfit")

return {
  llm_batch = function(items)
    local fields, n, refused = {}, 0, nil
    if type(items) == "table" then
      n = #items
      for i = 1, n do
        local item = items[i]
        if type(item) ~= "table" then
          refused = misfit(item)
          break
        end
        local k = 7 * i
        fields[k - 6], fields[k - 5], fields[k - 4] = item.prompt, item.system, item.max_tokens
        fields[k - 3], fields[k - 2], fields[k - 1] = item.grounded, item.underspecified, item.role
        fields[k] = item.cache_breakpoint
      end
    else
      refused = misfit(items, 1)
    end
    refused = refused or ask_batch(fields, n)
    if refused then
      error(refused, 0)
    end
    local answers = yield(ASK)
    if answers == REFUSED then
      kept.cannot_wait("alc.llm_batch")
    end
    return answers
  end,
}
