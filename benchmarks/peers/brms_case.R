# brms (rstan) or lme4 on a case that cases.py wrote: draws.csv and times.json into OUT.
# Rscript brms_case.R brms|lme4 CASE_DIR OUT CHAINS DRAWS TUNE SEED
arguments <- commandArgs(trailingOnly = TRUE)
peer <- arguments[1]; from <- arguments[2]; out <- arguments[3]
number <- as.integer(arguments[4:7])
clock <- function() as.numeric(Sys.time())
start <- clock()
suppressPackageStartupMessages({library(jsonlite); if (peer == "brms") library(brms) else library(lme4)})
imported <- clock()
# Debian keeps Boost's headers here, where rstan does not look.
if (peer == "brms" && dir.exists("/usr/include/boost")) rstan::rstan_options(boost_lib = "/usr/include")
case <- fromJSON(file.path(from, "case.json"))
rows <- read.csv(file.path(from, "rows.csv"))
x <- paste(case$columns, collapse = " + ")
scale_of <- function(text) sub(".*\\((.*)\\)", "\\1", text)

if (peer == "lme4") {
  fit <- lmer(as.formula(paste("y ~ 1 +", x, "+ (1 + D | country)")), rows)
  fitted <- clock()
  write.csv(as.data.frame(t(fixef(fit))), file.path(out, "estimates.csv"), row.names = FALSE)
  times <- list(import = imported - start, compile = 0, sample = fitted - imported)
} else {
  normal <- function(p) sprintf("normal(%g, %g)", p[1], p[2])
  priors <- do.call(c, lapply(case$columns, function(k) set_prior(normal(case$priors[[k]]), class = "b", coef = k)))
  priors <- c(priors, set_prior("lkj(2)", class = "cor"),
    set_prior(sprintf("normal(0, %s)", scale_of(case$sd[1])), class = "sd", group = "country", coef = "Intercept"),
    set_prior(sprintf("normal(0, %s)", scale_of(case$sd[2])), class = "sd", group = "country", coef = "D"))
  if (case$ordered) {
    rows$y <- rows$y + 1
    text <- paste("y ~ 1 +", x, "+ (1 + D | country)")
    family <- cumulative("probit")
  } else {
    text <- paste("y ~ 0 + Intercept +", x, "+ (1 + D | country)")
    if (case$ar1) text <- paste(text, "+ ar(time = year, gr = country, p = 1)")
    family <- gaussian()
    priors <- c(priors, set_prior(normal(case$priors[["Intercept"]]), class = "b", coef = "Intercept"),
      set_prior(sprintf("normal(0, %s)", scale_of(case$sigma)), class = "sigma"))
  }
  model <- bf(as.formula(text))
  empty <- brm(model, rows, family = family, prior = priors, chains = 0, silent = 2, refresh = 0)
  compiled <- clock()
  fit <- update(empty, recompile = FALSE, chains = number[1], cores = number[1], iter = number[2] + number[3],
    warmup = number[3], seed = number[4], silent = 2, refresh = 0)
  draws <- as.data.frame(posterior::as_draws_df(fit))
  wanted <- grep("^(b_|sd_|cor_|sigma|ar)", names(draws), value = TRUE)
  write.csv(draws[, c(".chain", ".iteration", wanted)], file.path(out, "draws.csv"), row.names = FALSE)
  times <- list(import = imported - start, compile = compiled - imported, sample = clock() - compiled)
}
write_json(times, file.path(out, "times.json"), auto_unbox = TRUE, digits = 6)
