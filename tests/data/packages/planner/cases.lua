local ef = require("evalframe")
return {
  ef.bind { ef.graders.contains, weight = 0.5 },
  ef.bind { ef.graders.llm_yes_no, weight = 0.5 },
  cases = { ef.case "short" { input = "a", expected = "b" }, { input = "c", expected = "d" } },
}
