/* What consoles and probes mean. */

#include "unit.h"

#include <string.h>

#include <controller/health.h>
#include <controller/job.h>
#include <controller/step.h>

static const struct provider plain = {.name = "plain",
                                      .ops = {[OP_SERIAL_LOG] = {"log"}}};
static const struct provider pinging = {.name = "pinging",
                                        .caps = CAP_GUEST_PING};

static struct job *
make_job (const struct provider *provider, json_t *more)
{
  static struct binding bindings[2];
  struct binding *binding = &bindings[provider == &pinging];
  CLEANUP_JSON json_t *vm = json_make ("{s:s,s:s,s:s}", "provider", "plain",
                                       "id", "i-1", "name", "web");
  struct job *job;

  binding->provider = provider;
  if (more)
    json_object_update (vm, more);
  json_decref (more);
  job = job_new (1, vm, binding, strategies[0], NULL);
  return job;
}

static void
test_last_word_on_the_console_counts (void)
{
  static const struct {
    const char *pattern, *text;
    enum health health;
    const char *line;
  } cases[] = {
      {"BOOT OK", "", HEALTH_UNKNOWN, "neither 'BOOT OK' nor a crash"},
      {"BOOT OK", "starting\n", HEALTH_UNKNOWN, "neither"},
      {"BOOT OK", "BOOT OK\n", HEALTH_OK, ": BOOT OK"},
      {"BOOT OK", "*** STOP: 0x50\nBOOT OK", HEALTH_OK, ": BOOT OK"},
      {"BOOT OK", "BOOT OK\n*** STOP: 0x50\n", HEALTH_BROKEN, "STOP: 0x50"},
      {"BOOT OK", "BOOT OK\nx\nBOOT OK\nKernel panic - not syncing\nlast",
       HEALTH_BROKEN, ": Kernel panic - not syncing"},
      /* As GRUB, BIOSes and Windows' EMS end their lines. */
      {"^BOOT OK$", "a\n\rBOOT OK\n\r", HEALTH_OK, ": BOOT OK"},
      {"^BOOT OK$", "a\r\nBOOT OK\r\n", HEALTH_OK, ": BOOT OK"},
      {"^BOOT OK$", "10%\r90%\rBOOT OK\r", HEALTH_OK, ": BOOT OK"},
      {"^BOOT OK$", "a\n\r\n\rBOOT OK", HEALTH_OK, ": BOOT OK"},
      {"^BOOT OK$", "\033[2J\033[01;01HBOOT \033[1mOK\033[0m\n", HEALTH_OK,
       ": BOOT OK"},
      {"^BOOT OK$", "no BOOT OK\n", HEALTH_UNKNOWN, "neither"},
      {"login:$", "web login:", HEALTH_OK, ": web login:"},
      {"x*", "abc\n", HEALTH_OK, ": abc"},
      {"OK", "\033[", HEALTH_UNKNOWN, "neither"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_FREE char *spec_text = xasprintf ("serial:%s", cases[i].pattern);
    CLEANUP_FREE char *why = NULL;
    struct health_spec *spec = health_spec_new (spec_text, NULL, NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL (spec);
    CU_ASSERT_EQUAL (health_of_serial (spec, cases[i].text,
                                       strlen (cases[i].text), &why),
                     cases[i].health);
    CU_ASSERT_PTR_NOT_NULL (strstr (why, cases[i].line));
    if (strstr (why, cases[i].line) == NULL)
      printf ("case %zu: %s\n", i, why);
    health_spec_free (spec);
  }
}

/* A reset in the middle of a line leaves NULs on a console. */
static void
test_text_after_a_nul_counts (void)
{
  static const char text[] = "half a li\0\0ne\n\0BOOT OK\n";
  struct health_spec *spec = health_spec_new ("serial:^BOOT OK$", NULL, NULL);
  CLEANUP_JOB struct job *job = make_job (&plain, NULL);
  CLEANUP_JSON json_t *out = json_object ();
  CLEANUP_FREE char *why = NULL;

  json_object_set_new (out, "text", json_stringn (text, sizeof text - 1));
  CU_ASSERT_EQUAL (health_read (spec, job, out, &why), HEALTH_OK);
  health_spec_free (spec);
}

static void
test_own_pattern_for_crashes (void)
{
  struct health_spec *spec = health_spec_new ("serial:up", "GURU", NULL);
  CLEANUP_FREE char *why = NULL, *why2 = NULL;

  CU_ASSERT_EQUAL (health_of_serial (spec, "up\nGURU\n", 8, &why),
                   HEALTH_BROKEN);
  CU_ASSERT_EQUAL (health_of_serial (spec, "up\n*** STOP\n", 12, &why2),
                   HEALTH_OK);
  health_spec_free (spec);
}

static void
test_words_that_are_no_spec (void)
{
  static const struct {
    const char *text, *error;
  } cases[] = {
      {"", "is none of"},          {"serial", "needs ':'"},
      {"serial:", "is missing"},   {"serial:(", "health"},
      {"status:x", "no argument"}, {"tcp:", "is missing"},
      {"tcp:0", "no port"},        {"tcp:65536", "no port"},
      {"tcp:host:", "no port"},    {"tcp:80x", "no port"},
      {"tcp:-1", "no port"},       {"ping", "is none of"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_PTR_NULL (health_spec_new (cases[i].text, NULL, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, ERR_USAGE);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, cases[i].error));
    if (strstr (err->msg, cases[i].error) == NULL)
      printf ("'%s': %s\n", cases[i].text, err->msg);
  }
  CU_ASSERT_PTR_NULL (health_spec_new ("none", "(", NULL));
}

static void
test_auto_takes_what_there_is (void)
{
  struct health_spec *spec = health_spec_new ("auto", NULL, NULL);
  CLEANUP_JOB struct job *mute = make_job (&plain, NULL);
  CLEANUP_JOB struct job *status =
      make_job (&plain, json_make ("{s:s}", "health", "impaired"));
  CLEANUP_JOB struct job *guest =
      make_job (&pinging, json_make ("{s:b}", "guest_agent", 1));
  struct effect effect = {0};

  CU_ASSERT_FALSE (health_can_ask (spec, mute));
  CU_ASSERT_TRUE (health_can_ask (spec, status));
  CU_ASSERT_EQUAL (health_ask (spec, status, NULL, &effect, NULL), 0);
  CU_ASSERT_EQUAL (effect.op, OP_DESCRIBE);
  effect_release (&effect);
  CU_ASSERT_TRUE (health_can_ask (spec, guest));
  CU_ASSERT_EQUAL (health_ask (spec, guest, NULL, &effect, NULL), 0);
  CU_ASSERT_EQUAL (effect.op, OP_GUEST_PING);
  effect_release (&effect);
  health_spec_free (spec);
}

/* A word that was there before the start says nothing about it. */
static void
test_old_word (void)
{
  struct health_spec *spec = health_spec_new ("status", NULL, NULL);
  CLEANUP_JOB struct job *job =
      make_job (&plain, json_make ("{s:s}", "health", "ok"));
  const char *id = json_str (job->now, "id", "");
  CLEANUP_JSON json_t *out = json_make ("{s:[{s:s,s:s,s:s}]}", "vms", "id", id,
                                        "health", "ok", "health_at", "t1");
  CLEANUP_FREE char *first = NULL, *old = NULL, *new = NULL;

  CU_ASSERT_EQUAL (health_read (spec, job, out, &first), HEALTH_OK);
  job_set_fact (job, "word_before", json_string ("t1"));
  CU_ASSERT_EQUAL (health_read (spec, job, out, &old), HEALTH_UNKNOWN);
  CU_ASSERT_PTR_NOT_NULL (strstr (old, "before the start (t1)"));
  job_set_fact (job, "word_before", json_string ("t0"));
  CU_ASSERT_EQUAL (health_read (spec, job, out, &new), HEALTH_OK);
  health_spec_free (spec);
}

static void
test_probe_says_where (void)
{
  static const struct {
    const char *spec, *host, *port; /* host NULL: it can't be asked */
  } cases[] = {
      {"tcp:22", "192.0.2.7", "22"},
      {"tcp:{name}.example:443", "web.example", "443"},
      {"tcp:{id}:1", "i-1", "1"},
      {"tcp:[2001:db8::1]:80", "2001:db8::1", "80"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    struct health_spec *spec = health_spec_new (cases[i].spec, NULL, NULL);
    CLEANUP_JOB struct job *job =
        make_job (&plain, json_make ("{s:[s]}", "addresses", "192.0.2.7"));
    struct effect effect = {0};

    CU_ASSERT_EQUAL (health_ask (spec, job, NULL, &effect, NULL), 0);
    CU_ASSERT_EQUAL (effect.kind, EFFECT_PROBE);
    CU_ASSERT_STRING_EQUAL (json_str (effect.in, "host", ""), cases[i].host);
    CU_ASSERT_STRING_EQUAL (json_str (effect.in, "port", ""), cases[i].port);
    effect_release (&effect);
    health_spec_free (spec);
  }
}

static void
test_probe_without_an_address (void)
{
  struct health_spec *spec = health_spec_new ("tcp:22", NULL, NULL);
  CLEANUP_JOB struct job *job = make_job (&plain, NULL);
  CLEANUP_ERR struct err *err = NULL;
  struct effect effect = {0};

  CU_ASSERT_EQUAL (health_ask (spec, job, NULL, &effect, &err), -1);
  CU_ASSERT_PTR_NULL (effect.in);
  CU_ASSERT_EQUAL (err->code, ERR_NOT_FOUND);
  health_spec_free (spec);
}

static void
test_fits_provider (void)
{
  static const struct {
    const char *health;
    unsigned caps;
    int fits;
  } rows[] = {
      {"status", CAP_STATUS, 0},
      {"status", CAP_GUEST_PING, -1},
      {"guest-agent", 0, -1},
      {"guest-agent", CAP_GUEST_PING, 0},
      {"auto", 0, 0},
      {"none", 0, 0},
      {"serial:login", 0, 0},
      {"tcp:22", 0, 0},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_ERR struct err *err = NULL;
    struct provider provider = {.name = "p", .caps = rows[i].caps};
    struct health_spec *spec = health_spec_new (rows[i].health, NULL, NULL);

    CU_ASSERT_EQUAL (health_check_provider (spec, &provider, &err),
                     rows[i].fits);
    CU_ASSERT (rows[i].fits == 0 || err->code == ERR_USAGE);
    health_spec_free (spec);
  }
}

static const struct unit_case cases[] = {
    {"the last word on the console counts",
     test_last_word_on_the_console_counts},
    {"text after a NUL counts", test_text_after_a_nul_counts},
    {"own pattern for crashes", test_own_pattern_for_crashes},
    {"words that are no spec", test_words_that_are_no_spec},
    {"auto takes what there is", test_auto_takes_what_there_is},
    {"a word from before the start", test_old_word},
    {"what a provider can't tell", test_fits_provider},
    {"probe says where", test_probe_says_where},
    {"probe without an address", test_probe_without_an_address},
};
UNIT_MAIN ("health", cases)
