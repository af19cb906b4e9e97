---@meta
-- Types of what a program finds in its session, for editors that speak LuaLS. Nothing here is run.
-- Put the path of this file into `workspace.library` of the language server.

---What a session was started with; `{}` if with nothing.
---@type any
ctx = nil

---Errors of these functions are texts of one line; `pcall` catches all but the end of the session.
---@class alc
alc = {}

-- Asking ------------------------------------------------------------------------------------------------------------

---@class alc.LlmOptions
---@field system? string|number What whoever answers should keep in mind.
---@field max_tokens? integer How long an answer is wanted; 1024 if nothing is said.
---@field grounded? boolean The answer should rest on facts that are looked up.
---@field underspecified? boolean The question leaves something open that should be asked about.
---@field role? string Who is asked, such as `"grader"`.
---@field cache_breakpoint? string Up to where a provider may remember the prompt.
---@field card_context? string|{pkg: string, limit?: integer} Past cards to put before the system text.

---@class alc.CacheOptions: alc.LlmOptions
---@field cache_key? string Under which the answer is remembered, instead of the prompt.
---@field cache_skip? boolean Ask in any case, and remember nothing.

---@class alc.Item: alc.LlmOptions
---@field prompt string|number

---Asks one question and waits for its answer.
---@param prompt string|number
---@param opts? alc.LlmOptions
---@return string answer
function alc.llm(prompt, opts) end

---Asks several questions at once and waits for all answers, which come in the same order.
---@param items alc.Item[]
---@return string[] answers
function alc.llm_batch(items) end

---Asks one question for each item at once.
---@generic T
---@param items T[]
---@param prompt_fn fun(item: T, i: integer): string|alc.Item
---@param opts? {system?: string, max_tokens?: integer, post_fn?: fun(answer: string, item: T, i: integer): any}
---@return any[] answers Or what `post_fn` made of each.
function alc.parallel(items, prompt_fn, opts) end

---`alc.llm` that remembers its last 256 answers within the session.
---@param prompt string|number
---@param opts? alc.CacheOptions
---@return string answer
function alc.cache(prompt, opts) end

---How well the memory of `alc.cache` serves.
---@return {entries: integer, hits: integer, misses: integer, max_entries: integer}
function alc.cache_info() end

---Empties the memory of `alc.cache`.
function alc.cache_clear() end

---`alc.llm` that gives a default instead of raising an error.
---@generic T
---@param prompt string|number
---@param opts alc.LlmOptions?
---@param default T
---@return string|T answer
function alc.llm_safe(prompt, opts, default) end

---Asks for JSON, and once more if the answer is none.
---@param prompt string
---@param opts? alc.LlmOptions
---@return table? value
---@return string raw The last answer.
function alc.llm_json(prompt, opts) end

---`alc.llm` with `grounded`.
---@param claim string
---@param opts? alc.LlmOptions
---@return string answer
function alc.ground(claim, opts) end

---`alc.llm` with `underspecified`.
---@param prompt string
---@param opts? alc.LlmOptions
---@return string answer
function alc.specify(prompt, opts) end

---Runs strategies one after the other; the result of each becomes the task of the next.
---@param strategies (string|fun(ctx: table): table)[] Packages with a function `run`, or functions.
---@param ctx table
---@param opts? {on_error?: "abort"|"skip"|"continue", on_stage?: fun(i: integer, name: string, ctx: table)}
---@return table ctx With `pipe_history`.
function alc.pipe(strategies, ctx, opts) end

---Runs packages as sessions of their own, at the same time; what they ask is asked by them.
---@param strategies string[]
---@param ctx table Each gets a copy.
---@param opts? {on_error?: "skip"|"abort"}
---@return {strategy: string, ok: boolean, result?: any, error?: string}[] results In the order of the strategies.
function alc.fork(strategies, ctx, opts) end

---@class alc.Scenario
---@field name? string
---@field cases? table[] Each with `input`, and `expected` if it is known.
---@field graders? (string|function)[] `"exact_match"` if nothing is said.
---@field provider? fun(input: string): string|table Instead of the strategy.

---@class alc.Report
---@field name string
---@field aggregated table `total`, `passed`, `pass_rate`, `scores` (`mean`, …), `ci_95` and more.
---@field failures table[]
---@field results table[]
---@field summary string
---@field card_id? string

---Evaluates a strategy against a scenario.
---@param scenario string|alc.Scenario A table, or the name of one.
---@param strategy string
---@param opts? {strategy_opts?: table, auto_card?: boolean, card_pkg?: string}
---@return alc.Report
function alc.eval(scenario, strategy, opts) end

-- Budget ------------------------------------------------------------------------------------------------------------

---What is left of `ctx.budget`; what is not limited is absent.
---@return {llm_calls?: integer, elapsed_ms?: integer, tokens?: integer}? remaining Nothing where there is no budget.
function alc.budget_remaining() end

---Whether calls and time are left.
---@return boolean
function alc.budget_check() end

-- Saying ------------------------------------------------------------------------------------------------------------

---Writes a line into the log of the session.
---@param level string
---@param message string|number
function alc.log(level, message) end

---`alc.log` of `alc.fmt`.
---@param level string
---@param template string
---@param ... any
function alc.log_fmt(level, template, ...) end

---`string.format` that rounds where an integer is wanted, and has words for NaN, infinity and nil.
---@param template string
---@param ... any
---@return string
function alc.fmt(template, ...) end

---Says how far the program is.
---@param step integer
---@param total integer
---@param message? string
function alc.progress(step, total, message) end

---@class alc.stats
alc.stats = {}

---Records a figure of the session.
---@param key string
---@param value any Anything that JSON has.
function alc.stats.record(key, value) end

---The figure that was recorded last under a key.
---@param key string
---@return any
function alc.stats.get(key) end

---How many questions the session has asked.
---@return integer
function alc.stats.llm_calls() end

---Seconds since 1970, as recorded.
---@return number
function alc.time() end

---What the session was given of an environment; absent where it was given nothing. It cannot be changed.
---@class alc.env
---@field [string] string?
---@field get fun(self: alc.env, name: string, default?: string): string?
---@field use fun(self: alc.env, names: string[]): table<string, string>
---@type alc.env?
alc.env = nil

---Where the session keeps its files.
---@type {state?: string, cards?: string, scenarios?: string}
alc._dirs = {}

-- JSON and texts ----------------------------------------------------------------------------------------------------

---JSON text, compact, its keys sorted.
---@param value any
---@return string
function alc.json_encode(value) end

---The value of a JSON text; null becomes nil.
---@param text string
---@return any
function alc.json_decode(text) end

---The first JSON object or array in a text, fenced or not.
---@param raw any
---@return table?
function alc.json_extract(raw) end

---The first integer in a text, kept between 1 and 10.
---@param text any
---@param default? number 5 if nothing is said.
---@return number
function alc.parse_score(text, default) end

---The first number in a text, or the one that a pattern finds.
---@param text any
---@param pattern? string
---@return number?
function alc.parse_number(text, pattern) end

---Which of some words a text names last, or is most like.
---@param text string
---@param candidates string[]
---@param opts? {threshold?: number}
---@return string?
function alc.match_enum(text, candidates, opts) end

---Whether a text says yes or no, by its last such word.
---@param text string
---@return boolean?
function alc.match_bool(text) end

---Eight digits that are the same for texts that differ in case and blanks only.
---@param text any
---@return string
function alc.fingerprint(text) end

---A text in pieces.
---@param text string
---@param opts? {mode?: "lines"|"chars", size?: integer, overlap?: integer}
---@return string[]
function alc.chunk(text, opts) end

---@generic T, U
---@param items T[]
---@param f fun(item: T, i: integer): U
---@return U[]
function alc.map(items, f) end

---@generic T
---@param items T[]
---@param f fun(item: T, i: integer): any
---@return T[]
function alc.filter(items, f) end

---@generic T, A
---@param items T[]
---@param f fun(acc: A, item: T, i: integer): A
---@param init? A The first item if nothing is given.
---@return A
function alc.reduce(items, f, init) end

---Which answer was given most often, blanks around it aside.
---@param answers any[]
---@return {winner?: string, count: integer, total: integer}
function alc.vote(answers) end

---Defaults with what `ctx` sets instead.
---@param defaults table
---@param ctx? table
---@param opts? {prefix?: string}
---@return table
function alc.tuning(defaults, ctx, opts) end

-- What stays ------------------------------------------------------------------------------------------------------

---Values that outlive the session, in files under the home. A key `prefix:id` has a file of its own; all others share
---the file of the namespace, `ctx._ns` or `default`.
---@class alc.state
alc.state = {}

---@param key string
---@param default? any
---@return any
function alc.state.get(key, default) end

---@param key string
---@param value any Anything that JSON has.
function alc.state.set(key, value) end

---Sets a value where there is none.
---@param key string
---@param value any
---@return boolean was_set
function alc.state.set_nx(key, value) end

---@param key string
---@return boolean existed
function alc.state.delete(key) end

---@param key string
---@return boolean
function alc.state.has(key) end

---The keys of the namespace.
---@return string[]
function alc.state.keys() end

---Adds to a number.
---@param key string
---@param delta? number 1 if nothing is said.
---@param default? number 0 if nothing is said.
---@return number
function alc.state.incr(key, delta, default) end

---Sets a value to what a function makes of it.
---@param key string
---@param f fun(value: any): any
---@param default? any
---@return any value The new one.
function alc.state.update(key, f, default) end

---The ids of a prefix, sorted.
---@param prefix string
---@return string[]
function alc.state.list(prefix) end

---@param prefix string
---@param id string
---@return any
function alc.state.show(prefix, id) end

---Takes steps and fields out of a value, after a copy of it.
---@param prefix string
---@param id string
---@param what? {steps?: string[], fields?: string[]}
---@return {ok: boolean, backup_path: string, steps_removed: integer, fields_removed: integer}
function alc.state.reset(prefix, id, what) end

---@param prefix string
---@param id string
---@param value any
function alc.state.set_dispatched(prefix, id, value) end

---@param prefix string
---@param id string
---@return boolean existed
function alc.state.delete_dispatched(prefix, id) end

---Cards: what became of a package with a model, written once.
---@class alc.card
alc.card = {}

---@param card table `pkg.name` is required.
---@return {card_id: string, path: string}
function alc.card.create(card) end

---@param card_id string
---@return table?
function alc.card.get(card_id) end

---Adds fields that are not there yet.
---@param card_id string
---@param fields table
---@return table card
function alc.card.append(card_id, fields) end

---Summaries, the newest first.
---@param filter? {pkg?: string}
---@return table[]
function alc.card.list(filter) end

---@param query? {pkg?: string, where?: table, order_by?: string|string[], limit?: integer, offset?: integer}
---@return table[]
function alc.card.find(query) end

---@param name string
---@param card_id string
---@param opts? {pkg?: string, note?: string}
---@return table alias
function alc.card.alias_set(name, card_id, opts) end

---@param filter? {pkg?: string}
---@return table[]
function alc.card.alias_list(filter) end

---@param name string
---@return table?
function alc.card.get_by_alias(name) end

---Writes the samples of a card, once.
---@param card_id string
---@param samples table[]
---@return {path: string, count: integer}
function alc.card.write_samples(card_id, samples) end

---@param card_id string
---@param query? {offset?: integer, limit?: integer, where?: table}
---@return table[]
function alc.card.read_samples(card_id, query) end

---The cards that a card comes from, or that come from it.
---@param query {card_id: string, direction?: "up"|"down"|"both", depth?: integer, include_stats?: boolean, relation_filter?: string[]}
---@return {root: string, nodes: table[], edges: table[], truncated: boolean}?
function alc.card.lineage(query) end

-- Numbers -----------------------------------------------------------------------------------------------------------

---A generator of random numbers.
---@class alc.Rng

---@class alc.math
alc.math = {}

---A generator; the same seed gives the same numbers.
---@param seed integer
---@return alc.Rng
function alc.math.rng_create(seed) end

---A number from 0 to 1, 1 not included.
---@param rng alc.Rng
---@return number
function alc.math.rng_float(rng) end

---An integer of a range, both ends included.
---@param rng alc.Rng
---@param min integer
---@param max integer
---@return integer
function alc.math.rng_int(rng, min, max) end

---The same items in another order, in a new table.
---@param rng alc.Rng
---@param items any[]
---@return any[]
function alc.math.shuffle(rng, items) end

---So many items, each drawn from all.
---@param rng alc.Rng
---@param items any[]
---@param n integer
---@return any[]
function alc.math.sample_with_replacement(rng, items, n) end

---A number of this distribution.
---@param rng alc.Rng
---@param mean number
---@param stddev number
---@return number
function alc.math.normal_sample(rng, mean, stddev) end

---A number of this distribution.
---@param rng alc.Rng
---@param alpha number
---@param beta number
---@return number
function alc.math.beta_sample(rng, alpha, beta) end

---A number of this distribution.
---@param rng alc.Rng
---@param shape number
---@param scale number
---@return number
function alc.math.gamma_sample(rng, shape, scale) end

---A number of this distribution.
---@param rng alc.Rng
---@param lambda number
---@return number
function alc.math.exp_sample(rng, lambda) end

---A number of this distribution.
---@param rng alc.Rng
---@param low number
---@param high number
---@return number
function alc.math.uniform_sample(rng, low, high) end

---A number of this distribution.
---@param rng alc.Rng
---@param mu number
---@param sigma number
---@return number
function alc.math.lognormal_sample(rng, mu, sigma) end

---A number of this distribution.
---@param rng alc.Rng
---@param df number
---@return number
function alc.math.student_t_sample(rng, df) end

---A number of this distribution.
---@param rng alc.Rng
---@param df number
---@return number
function alc.math.chi_squared_sample(rng, df) end

---A count of this distribution.
---@param rng alc.Rng
---@param lambda number
---@return integer
function alc.math.poisson_sample(rng, lambda) end

---A count of this distribution.
---@param rng alc.Rng
---@param n integer
---@param p number
---@return integer
function alc.math.binomial_sample(rng, n, p) end

---Shares that add up to 1.
---@param rng alc.Rng
---@param alphas number[]
---@return number[]
function alc.math.dirichlet_sample(rng, alphas) end

---A place from 1, each as likely as its weight says.
---@param rng alc.Rng
---@param weights number[]
---@return integer
function alc.math.categorical_sample(rng, weights) end

---The mean.
---@param values number[]
---@return number
function alc.math.mean(values) end

---The variance of a sample; 0 for one value.
---@param values number[]
---@return number
function alc.math.variance(values) end

---The standard deviation of a sample.
---@param values number[]
---@return number
function alc.math.stddev(values) end

---The median.
---@param values number[]
---@return number
function alc.math.median(values) end

---The value below which so many percent lie.
---@param values number[]
---@param p number
---@return number
function alc.math.percentile(values, p) end

---The distance between the quartiles.
---@param values number[]
---@return number
function alc.math.iqr(values) end

---The covariance of two samples.
---@param xs number[]
---@param ys number[]
---@return number
function alc.math.covariance(xs, ys) end

---Pearson's correlation.
---@param xs number[]
---@param ys number[]
---@return number
function alc.math.correlation(xs, ys) end

---Shares by the powers of e.
---@param values number[]
---@return number[]
function alc.math.softmax(values) end

---Logarithms as percents of the largest.
---@param values number[]
---@return number[]
function alc.math.log_normalize(values) end

---How many values lie in each of so many ranges.
---@param values number[]
---@param bins integer
---@return {counts: integer[], edges: number[]}
function alc.math.histogram(values, bins) end

---The means of every so many values in a row.
---@param values number[]
---@param window integer
---@return number[]
function alc.math.moving_average(values, window) end

---Means in which older values count less and less.
---@param values number[]
---@param alpha number
---@return number[]
function alc.math.ewma(values, alpha) end

---How a series goes along with itself some steps later.
---@param values number[]
---@param lag integer
---@return number
function alc.math.autocorrelation(values, lag) end

---Every order of 1 to n.
---@param n integer
---@return integer[][]
function alc.math.permutations(n) end

---Wilson's interval for a proportion.
---@param successes number
---@param total number
---@param confidence number
---@return {lower: number, upper: number, center: number}
function alc.math.wilson_ci(successes, total, confidence) end

---Ranks from 1; equal values share theirs.
---@param values number[]
---@return number[]
function alc.math.rank(values) end

---The correlation of ranks.
---@param xs number[]
---@param ys number[]
---@return number
function alc.math.spearman_correlation(xs, ys) end

---Kendall's tau-b.
---@param xs number[]
---@param ys number[]
---@return number
function alc.math.kendall_tau(xs, ys) end

---How good an order is, by the gains in it.
---@param gains number[]
---@param k integer
---@return number
function alc.math.ndcg(gains, k) end

---The mean of one divided by each rank.
---@param ranks integer[]
---@return number
function alc.math.mrr(ranks) end

---Welch's test of two means.
---@param xs number[]
---@param ys number[]
---@return {t_stat: number, df: number, p_value: number}
function alc.math.welch_t_test(xs, ys) end

---The test of Mann and Whitney.
---@param xs number[]
---@param ys number[]
---@param opts? {tie_correction?: boolean}
---@return {u_stat: number, z_score: number, p_value: number}
function alc.math.mann_whitney_u(xs, ys, opts) end

---Pearson's test of counts.
---@param observed number[]
---@param expected number[]
---@return {chi2_stat: number, df: number, p_value: number}
function alc.math.chi_squared_test(observed, expected) end

---The test of Kolmogorov and Smirnov for two samples.
---@param xs number[]
---@param ys number[]
---@return {d_stat: number, p_value: number}
function alc.math.ks_test(xs, ys) end

---Entropy in nats.
---@param p number[]
---@return number
function alc.math.entropy(p) end

---The divergence of Kullback and Leibler in nats.
---@param p number[]
---@param q number[]
---@return number
function alc.math.kl_divergence(p, q) end

---The divergence of Jensen and Shannon in nats.
---@param p number[]
---@param q number[]
---@return number
function alc.math.js_divergence(p, q) end

---Cross entropy in nats.
---@param p number[]
---@param q number[]
---@return number
function alc.math.cross_entropy(p, q) end

---The error function.
---@param x number
---@return number
function alc.math.erf(x) end

---One minus the error function.
---@param x number
---@return number
function alc.math.erfc(x) end

---The logarithm of the gamma function.
---@param x number
---@return number
function alc.math.lgamma(x) end

---The derivative of `lgamma`.
---@param x number
---@return number
function alc.math.digamma(x) end

---The logistic function.
---@param x number
---@return number
function alc.math.expit(x) end

---The inverse of `expit`.
---@param p number
---@return number
function alc.math.logit(p) end

---The inverse of the standard normal distribution.
---@param p number
---@return number
function alc.math.normal_ppf(p) end

---The beta function.
---@param a number
---@param b number
---@return number
function alc.math.beta(a, b) end

---Its logarithm.
---@param a number
---@param b number
---@return number
function alc.math.ln_beta(a, b) end

---The incomplete beta function as a share.
---@param x number
---@param a number
---@param b number
---@return number
function alc.math.regularized_incomplete_beta(x, a, b) end

---The lower incomplete gamma function as a share.
---@param a number
---@param x number
---@return number
function alc.math.regularized_incomplete_gamma(a, x) end

---The factorial of at most 170.
---@param n integer
---@return number
function alc.math.factorial(n) end

---Its logarithm, without a limit.
---@param n integer
---@return number
function alc.math.ln_factorial(n) end

---The logarithm of the sum of the powers of e.
---@param values number[]
---@return number
function alc.math.logsumexp(values) end

---The normal distribution.
---@param x number
---@param mu number
---@param sigma number
---@return number
function alc.math.normal_cdf(x, mu, sigma) end

---Its inverse.
---@param p number
---@param mu number
---@param sigma number
---@return number
function alc.math.normal_inverse_cdf(p, mu, sigma) end

---The beta distribution.
---@param x number
---@param alpha number
---@param beta number
---@return number
function alc.math.beta_cdf(x, alpha, beta) end

---Its inverse.
---@param p number
---@param alpha number
---@param beta number
---@return number
function alc.math.beta_ppf(p, alpha, beta) end

---The mean of a beta distribution.
---@param alpha number
---@param beta number
---@return number
function alc.math.beta_mean(alpha, beta) end

---The variance of a beta distribution.
---@param alpha number
---@param beta number
---@return number
function alc.math.beta_variance(alpha, beta) end

---The gamma distribution.
---@param x number
---@param shape number
---@param scale number
---@return number
function alc.math.gamma_cdf(x, shape, scale) end

---The Poisson distribution.
---@param k integer
---@param lambda number
---@return number
function alc.math.poisson_cdf(k, lambda) end
