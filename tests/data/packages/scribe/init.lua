--- Reads a text in pieces and writes down what is in it.
local tuning = require("scribe.tuning")
local M = {}

function M.run(ctx)
  local settings = alc.tuning(tuning, ctx, { prefix = "scribe" })
  local notes = {}
  for i, piece in ipairs(alc.chunk(ctx.task, settings.pieces)) do
    notes[i] = alc.llm_json("Note what is in: " .. piece) or {}
  end
  local fact = alc.ground("The text has " .. #notes .. " parts")
  local question = alc.specify("What is missing?")
  ctx.result = {
    notes = notes,
    count = alc.parse_number(fact),
    question = alc.llm_safe(question, nil, "nothing"),
    id = alc.fingerprint(ctx.task),
    again = alc.json_decode(alc.json_encode(notes)),
    found = alc.json_extract("so: [1, 2]"),
    line = alc.fmt("%d notes", #notes + 0.0),
    is_late = alc.time() > 0,
    token = alc.env and alc.env:get("TOKEN", "none"),
    state = alc._dirs.state ~= nil,
  }
  return ctx
end

return M
