//! `alc.math`.

use serde_json::{Value, json};

use super::driver::{error, result};

#[test]
fn a_seed_gives_these_numbers() {
    let code = "local m = alc.math local r = m.rng_create(42) return {m.rng_float(r), m.rng_int(r, 1, 100),
        m.normal_sample(r, 0, 1), m.wilson_ci(8, 10, 0.95), m.shuffle(r, {1, 2, 3, 4, 5})}";
    let wilson =
        json!({"lower": 0.490_162_471_536_641_83, "upper": 0.943_317_848_545_624_8, "center": 0.716_740_160_041_133_3});
    assert_eq!(result(code), json!([0.526_557_409_002_773_8, 55, 0.262_576_357_373_953_7, wilson, [4, 1, 3, 2, 5]]));
}

/// Known values, to about ten digits.
#[test]
fn functions_have_their_known_values() {
    for (call, value) in [
        ("mean({1, 2, 4})", 7.0 / 3.0),
        ("variance({5})", 0.0),
        ("stddev({2, 4, 4, 4, 5, 5, 7, 9})", 2.138_089_935_3),
        ("percentile({1, 2, 3, 4}, 90)", 3.7),
        ("iqr({1, 2, 3, 4})", 1.5),
        ("covariance({1, 2, 3}, {2, 4, 6})", 2.0),
        ("correlation({1, 2, 3}, {3, 2, 1})", -1.0),
        ("autocorrelation({1, 2, 3, 4}, 1)", 0.25),
        ("spearman_correlation({1, 2, 3}, {10, 20, 15})", 0.5),
        ("kendall_tau({1, 2, 3}, {1, 3, 2})", 1.0 / 3.0),
        ("ndcg({3, 2, 3}, 3)", 0.977_781_361_6),
        ("mrr({1, 2, 4})", 1.75 / 3.0),
        ("welch_t_test({1, 2, 3}, {2, 4, 6}).t_stat", -1.549_193_338_5),
        ("mann_whitney_u({1, 2, 3}, {4, 5, 6}).u_stat", 0.0),
        ("chi_squared_test({10, 20}, {15, 15}).chi2_stat", 10.0 / 3.0),
        ("ks_test({1, 2, 3}, {4, 5, 6}).d_stat", 1.0),
        ("entropy({0.5, 0.5})", std::f64::consts::LN_2),
        ("kl_divergence({0.5, 0.5}, {0.9, 0.1})", 0.510_825_623_8),
        ("js_divergence({1, 0}, {0, 1})", std::f64::consts::LN_2),
        ("cross_entropy({1, 0}, {0.5, 0.5})", std::f64::consts::LN_2),
        ("erf(1)", 0.842_700_792_9),
        ("lgamma(5)", 3.178_053_830_3),
        ("digamma(1)", -0.577_215_664_9),
        ("beta(2, 3)", 1.0 / 12.0),
        ("regularized_incomplete_beta(0.5, 2, 3)", 0.6875),
        ("regularized_incomplete_gamma(1, 1)", 0.632_120_558_8),
        ("factorial(5)", 120.0),
        ("ln_factorial(3)", 1.791_759_469_2),
        ("logsumexp({0, 0})", std::f64::consts::LN_2),
        ("logit(0.75)", 1.098_612_288_7),
        ("expit(-1000)", 0.0),
        ("normal_cdf(1.96, 0, 1)", 0.975_002_104_8),
        ("normal_inverse_cdf(0.975, 1, 2)", 4.919_927_969_1),
        ("normal_ppf(0.5)", 0.0),
        ("beta_cdf(0.5, 2, 3)", 0.6875),
        ("beta_ppf(0.6875, 2, 3)", 0.5),
        ("beta_mean(1, 3)", 0.25),
        ("beta_variance(1, 1)", 1.0 / 12.0),
        ("gamma_cdf(1, 1, 1)", 0.632_120_558_8),
        ("poisson_cdf(1, 1)", 0.735_758_882_3),
    ] {
        let found = result(&format!("return alc.math.{call}")).as_f64().unwrap_or(f64::NAN);
        assert!((found - value).abs() < 2e-8, "{call}: {found} is not {value}");
    }
    for (call, value) in [
        ("rank({10, 20, 10})", json!([1.5, 3.0, 1.5])),
        ("moving_average({1, 2, 3}, 2)", json!([1.5, 2.5])),
        ("ewma({1, 3}, 0.5)", json!([1.0, 2.0])),
        ("histogram({1, 2, 4}, 3)", json!({"counts": [1, 1, 1], "edges": [1.0, 2.0, 3.0, 4.0]})),
        ("permutations(2)", json!([[1, 2], [2, 1]])),
        ("log_normalize({1, 1})", json!([100.0, 100.0])),
    ] {
        assert_eq!(result(&format!("return alc.math.{call}")), value, "{call}");
    }
}

#[test]
fn every_sampler_draws() {
    let code = "local m = alc.math local r = m.rng_create(7) local out = {}
        for name, args in pairs({normal = {0, 1}, beta = {2, 3}, gamma = {2, 1}, exp = {1}, uniform = {0, 1}, lognormal = {0, 1},
            student_t = {5}, chi_squared = {3}, poisson = {4}, binomial = {10, 0.5}, dirichlet = {{1, 1}},
            categorical = {{1, 2, 3}}}) do
            local drawn = m[name .. '_sample'](r, table.unpack(args))
            out[name] = type(drawn) == 'table' and #drawn or math.type(drawn)
        end
        out.with_replacement = #m.sample_with_replacement(r, {'a', 'b'}, 5)
        return out";
    let kinds = result(code);
    let integers: Vec<_> =
        kinds.as_object().unwrap().iter().filter(|(_, it)| *it == "integer").map(|it| it.0.as_str()).collect();
    assert_eq!(integers, ["binomial", "categorical", "poisson"]);
    assert_eq!((&kinds["dirichlet"], &kinds["with_replacement"]), (&json!(2), &json!(5)));
}

#[test]
fn no_argument_makes_a_function_panic_or_hang() {
    let code = "local m = alc.math local r = m.rng_create(1)
        local odd = {0, -1, 1, 0.5, 1e300, 1e-300, -1e300, 2^53, 1/0, -1/0, 0/0, 'x', {}, {1}, {0, 0}, {1, 2, 3}, {1e308, 1e308},
            {0.5, 0.5}, {-1, 2}, {0/0}, {'x'}, false}
        local n, names = 0, {}
        for name in pairs(m) do names[#names + 1] = name end
        table.sort(names)
        for _, name in ipairs(names) do
            local is_sampler = name:find('_sample') or name == 'shuffle' or name:find('^rng_[fi]')
            for i = 1, #odd do
                for j = 1, #odd do
                    local third = odd[(i * 7 + j * 3) % #odd + 1]
                    local ok, e
                    if name == 'sample_with_replacement' or name == 'histogram' then
                        ok, e = true, nil
                    elseif is_sampler then
                        ok, e = pcall(m[name], r, odd[i], odd[j])
                    else
                        ok, e = pcall(m[name], odd[i], odd[j], third)
                    end
                    if not ok and type(e) ~= 'string' then return name end
                    n = n + 1
                end
            end
        end
        return n > 30000";
    assert_eq!(result(code), json!(true));
}

#[test]
fn errors_name_the_function_and_what_is_wrong() {
    for (call, text) in [
        ("mean({})", "expected non-empty array"),
        ("mean({1, 0/0})", "element at index 2 is NaN (NaN/Infinity not allowed)"),
        ("mean()", "bad argument #1: error converting Lua nil to table"),
        ("rng_float(5)", "bad argument #1: error converting Lua integer to userdata"),
        (
            "categorical_sample(alc.math.rng_create(1), {1e308, 1e308})",
            "categorical_sample: the weights add up to Infinity",
        ),
        ("beta_sample(alc.math.rng_create(1), 1/0, 1)", "beta_sample: argument #2 is inf (NaN/Infinity not allowed)"),
    ] {
        assert_eq!(error(&format!("\nlocal x = alc.math.{call}")), format!("script:2: {text}"), "{call}");
    }
}

#[test]
fn a_generator_is_an_opaque_value() {
    let code = "local r = alc.math.rng_create(1) return {type(r), tostring(r), tostring(getmetatable(r)), alc.math.nothing == nil}";
    assert_eq!(result(code), json!(["userdata", "rng", "false", true]));
    let code = "alc.math.mean = nil local names = 0 for _ in pairs(alc.math) do names = names + 1 end return {tostring(alc.math.mean), names > 50}";
    assert_eq!(result(code), json!(["nil", true]), "what is removed stays removed");
    let seeds: Value = result(
        "local f = function(s) return alc.math.rng_float(alc.math.rng_create(s)) end return {f(1) == f(1), f(1) == f(2)}",
    );
    assert_eq!(seeds, json!([true, false]));
}
