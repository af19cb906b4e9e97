--- Keeps notes in the state, files what was found as cards, and has clerks of its own at work.
local M = {}

local function remember(topic)
  local state = alc.state
  state.set("topic", topic)
  local opened = { state.set_nx("opened", 1), state.set_nx("opened", 2) }
  state.incr("runs")
  local runs = state.update("runs", function(n) return n * 2 end)
  state.set_dispatched("flow", "one", { data = { completed_steps = { "a", "b" }, draft = 1 } })
  local steps = #state.show("flow", "one").data.completed_steps
  local removed = state.reset("flow", "one", { steps = { "a" }, fields = { "draft" } })
  local flows = state.list("flow")
  local keys = state.keys()
  table.sort(keys)
  return {
    topic = state.get("topic"),
    missing = state.get("nothing", "nothing"),
    opened = opened,
    closed = { state.delete("opened"), state.has("opened") },
    runs = runs,
    steps = { steps, removed.steps_removed, removed.fields_removed },
    flows = flows,
    forgotten = state.delete_dispatched("flow", "one"),
    keys = keys,
  }
end

local function file(topic)
  local card = alc.card
  card.create({ card_id = "first", pkg = { name = "clerk" }, stats = { pass_rate = 0.5 } })
  card.create({ card_id = "second", pkg = { name = "clerk" }, metadata = { prior_card_id = "first" } })
  card.append("second", { topic = topic })
  card.alias_set("best", "second", { note = "so far" })
  card.write_samples("second", { { case = 1, ok = true }, { case = 2, ok = false } })
  local family = card.lineage({ card_id = "second" })
  return {
    topic = card.get("second").topic,
    all = #card.list({ pkg = "clerk" }),
    good = card.find({ where = { stats = { pass_rate = { gte = 0.5 } } } })[1].card_id,
    best = card.get_by_alias("best").card_id,
    notes = alc.map(card.alias_list(), function(alias) return alias.note end),
    failed = card.read_samples("second", { where = { ok = false } })[1].case,
    family = { #family.nodes, family.edges[1].to },
  }
end

function M.run(ctx)
  if ctx.only_ask then
    ctx.result = alc.llm("What is known of " .. ctx.task .. "?")
    return ctx
  end
  local found = alc.fork({ "clerk", "clerk" }, { task = ctx.task, only_ask = true })
  ctx.result = {
    found = alc.map(found, function(it) return it.result.result end),
    state = remember(ctx.task),
    cards = file(ctx.task),
  }
  return ctx
end

return M
