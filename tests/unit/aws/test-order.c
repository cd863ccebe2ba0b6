/* Which source has the last word, and what is said when something is off. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <base/strbuf.h>
#include <base/vec.h>

#include "stage.h"

#define ROLE "arn:aws:iam::111122223333:role/"
#define KEYS(id)                                                               \
  "aws_access_key_id = " id "\naws_secret_access_key = s3cret/value+" id "\n"
#define ENV     "AWS_ACCESS_KEY_ID=AKIAENV AWS_SECRET_ACCESS_KEY=s3cret/env "
#define NO_IMDS "AWS_EC2_METADATA_DISABLED=true "
#define REGION  "AWS_REGION=us-east-1 "
#define PROCESS(id)                                                            \
  "credential_process = /bin/echo '{\"Version\": 1, \"AccessKeyId\": \"" id    \
  "\", \"SecretAccessKey\": \"s3cret/process\"}'\n"

struct row {
  const char *name;
  const char *variables;            /* "A=b C=d"; @ is the folder */
  const char *credentials, *config; /* files; NULL: none */
  const char *profile;              /* named for the binding */
  const char *found;                /* what stage_find begins with */
  const char *also;                 /* ... and holds; NULL: nothing more */
};

static const struct row rows[] = {
    /* ---- the order ---- */
    {"environment before all", ENV, "[default]\n" KEYS ("AKIAFILE"),
     "[default]\n" KEYS ("AKIACONF"), NULL, "AKIAENV|environment"},
    {"environment before a profile of the environment", ENV "AWS_PROFILE=dev",
     "[dev]\n" KEYS ("AKIADEV"), NULL, NULL, "AKIAENV|"},
    {"a named profile before the environment", ENV, "[dev]\n" KEYS ("AKIADEV"),
     NULL, "dev", "AKIADEV|profile dev ("},
    {"a role before the file", REGION, "[default]\n" KEYS ("AKIADEV"),
     "[default]\nrole_arn = " ROLE "one\nsource_profile = default\n", NULL,
     "ASIA", "|profile default -> role " ROLE "one"},
    {"credentials file before process and config", NULL,
     "[default]\n" KEYS ("AKIAFILE"),
     "[default]\n" KEYS ("AKIACONF") PROCESS ("AKIAPROC"), NULL, "AKIAFILE|"},
    {"process before config", NULL, NULL,
     "[default]\n" KEYS ("AKIACONF") PROCESS ("AKIAPROC"), NULL, "AKIAPROC|",
     "credential_process"},
    {"config before the machine", NULL, NULL, "[default]\n" KEYS ("AKIACONF"),
     NULL, "AKIACONF|"},
    {"the machine at last", NULL, NULL, NULL, NULL, "ASIA",
     "|role machine of this instance"},
    {"a profile without keys goes on to the machine", "AWS_PROFILE=bare", NULL,
     "[profile bare]\nregion = eu-west-1\n", NULL, "ASIA",
     "|role machine of this instance"},
    {"AWS_DEFAULT_PROFILE", "AWS_DEFAULT_PROFILE=dev",
     "[default]\n" KEYS ("AKIAFILE") "[dev]\n" KEYS ("AKIADEV"), NULL, NULL,
     "AKIADEV|"},
    {"both names of a profile", "AWS_DEFAULT_PROFILE=dev AWS_PROFILE=default",
     "[default]\n" KEYS ("AKIAFILE") "[dev]\n" KEYS ("AKIADEV"), NULL, NULL,
     "!auth: AWS_PROFILE is \"default\", but AWS_DEFAULT_PROFILE is"},
    {"both names of a profile, and one that is named",
     "AWS_DEFAULT_PROFILE=dev AWS_PROFILE=default",
     "[default]\n" KEYS ("AKIAFILE") "[dev]\n" KEYS ("AKIADEV"), NULL, "dev",
     "AKIADEV|"},
    {"an empty variable is none", "AWS_ACCESS_KEY_ID= AWS_PROFILE=",
     "[default]\n" KEYS ("AKIAFILE"), NULL, NULL, "AKIAFILE|"},
    {"web identity before the file",
     REGION "AWS_WEB_IDENTITY_TOKEN_FILE=@/good AWS_ROLE_ARN=" ROLE "web",
     "[default]\n" KEYS ("AKIAFILE"), NULL, NULL, "ASIA",
     "|web identity -> role " ROLE "web"},
    {"web identity of the environment not for a named profile",
     REGION "AWS_WEB_IDENTITY_TOKEN_FILE=@/good AWS_ROLE_ARN=" ROLE "web",
     "[dev]\n" KEYS ("AKIADEV"), NULL, "dev", "AKIADEV|"},
    {"role_arn with a web identity file is no assumed role", REGION, NULL,
     "[default]\nrole_arn = " ROLE "web\nweb_identity_token_file = ~/good\n",
     NULL, "ASIA", "web identity"},

    /* ---- roles ---- */
    {"chain", REGION "AWS_PROFILE=last", "[base]\n" KEYS ("AKIADEV"),
     "[profile last]\nrole_arn = " ROLE "two\nsource_profile = first\n"
     "[profile first]\nrole_arn = " ROLE "one\nsource_profile = base\n",
     NULL, "ASIA", "|profile last -> role " ROLE "two"},
    {"chain over a process", REGION "AWS_PROFILE=r", NULL,
     "[profile r]\nrole_arn = " ROLE "one\nsource_profile = p\n"
     "[profile p]\n" PROCESS ("AKIADEV"),
     NULL, "ASIA"},
    {"source of the environment",
     REGION "AWS_ACCESS_KEY_ID=AKIADEV AWS_SECRET_ACCESS_KEY=x", NULL,
     "[profile r]\nrole_arn = " ROLE "one\ncredential_source = Environment\n",
     "r", "ASIA"},
    {"source of the machine, region too", NULL, NULL,
     "[profile r]\nrole_arn = " ROLE "frommachine\n"
     "credential_source = Ec2InstanceMetadata\n",
     "r", "ASIA"},
    {"external id", REGION, "[base]\n" KEYS ("AKIADEV"),
     "[profile r]\nrole_arn = " ROLE "outside\nsource_profile = base\n"
     "external_id = xyzzy\nrole_session_name = me=here\n"
     "duration_seconds = 900\n",
     "r", "ASIA"},
    {"without the external id", REGION, "[base]\n" KEYS ("AKIADEV"),
     "[profile r]\nrole_arn = " ROLE "outside\nsource_profile = base\n", "r",
     "!auth: profile r -> role " ROLE "outside: STS: AccessDenied: User:",
     "external_id must be the one"},
    {"a loop", NULL, NULL,
     "[profile a]\nrole_arn = " ROLE "one\nsource_profile = b\n"
     "[profile b]\nrole_arn = " ROLE "two\nsource_profile = a\n",
     "a", "!auth: profile b: source_profile goes round", "a -> b -> a"},
    {"a loop of one", NULL, NULL,
     "[profile a]\nrole_arn = " ROLE "one\nsource_profile = a\n", "a",
     "!auth: profile a: source_profile goes round", "a -> a"},
    {"two sources", NULL, NULL,
     "[profile a]\nrole_arn = " ROLE "one\nsource_profile = a\n"
     "credential_source = Environment\n",
     "a", "!auth: profile a: it has both"},
    {"no source", NULL, NULL, "[profile a]\nrole_arn = " ROLE "one\n", "a",
     "!auth: profile a: role_arn needs source_profile"},
    {"unknown source", NULL, NULL,
     "[profile a]\nrole_arn = " ROLE "one\ncredential_source = Ec2\n", "a",
     "!auth: profile a: credential_source must be", ": Ec2"},
    {"source profile that is not there", NULL, NULL,
     "[profile a]\nrole_arn = " ROLE "one\nsource_profile = zz\n", "a",
     "!auth: profile a: its source_profile does not exist: zz"},
    {"source profile without keys", NULL, NULL,
     "[profile a]\nrole_arn = " ROLE "one\nsource_profile = b\n"
     "[profile b]\nregion = us-east-1\n",
     "a", "!auth: profile a: its source_profile has no keys: b"},
    {"source of an empty environment", NULL, NULL,
     "[profile a]\nrole_arn = " ROLE "one\ncredential_source = Environment\n",
     "a", "!auth: profile a: its credential_source has no keys",
     "AWS_ACCESS_KEY_ID is not set"},
    {"a code of a phone", NULL, "[base]\n" KEYS ("AKIADEV"),
     "[profile a]\nrole_arn = " ROLE "one\nsource_profile = base\n"
     "mfa_serial = arn:aws:iam::1:mfa/me\n",
     "a", "!auth: profile a: mfa_serial", "get-session-token"},
    {"bad duration", REGION, "[base]\n" KEYS ("AKIADEV"),
     "[profile a]\nrole_arn = " ROLE "one\nsource_profile = base\n"
     "duration_seconds = 1h\n",
     "a", "!auth: profile a: duration_seconds", "1h"},
    {"bad session name", REGION, "[base]\n" KEYS ("AKIADEV"),
     "[profile a]\nrole_arn = " ROLE "one\nsource_profile = base\n"
     "role_session_name = me here\n",
     "a", "!auth: profile a: role_session_name"},
    {"bad arn", REGION, "[base]\n" KEYS ("AKIADEV"),
     "[profile a]\nrole_arn = one\nsource_profile = base\n", "a",
     "!auth: profile a: role_arn is no ARN"},
    {"no region for STS", NO_IMDS, "[base]\n" KEYS ("AKIADEV"),
     "[profile a]\nrole_arn = " ROLE "one\nsource_profile = base\n", "a",
     "!auth: profile a -> role " ROLE "one: no region"},

    /* ---- web identity ---- */
    {"web token that has ended",
     REGION "AWS_WEB_IDENTITY_TOKEN_FILE=@/old AWS_ROLE_ARN=" ROLE "web", NULL,
     NULL, NULL, "!auth: web identity -> role " ROLE "web: STS: Expired",
     "must renew it"},
    {"web token that is none",
     REGION "AWS_WEB_IDENTITY_TOKEN_FILE=@/bad AWS_ROLE_ARN=" ROLE "web", NULL,
     NULL, NULL, "!auth: web identity -> role " ROLE "web: STS: Invalid"},
    {"web token file that is not there",
     REGION "AWS_WEB_IDENTITY_TOKEN_FILE=@/none AWS_ROLE_ARN=" ROLE "web", NULL,
     NULL, NULL, "!auth: web identity: ", "/none"},
    {"web token file that is empty",
     REGION "AWS_WEB_IDENTITY_TOKEN_FILE=@/empty AWS_ROLE_ARN=" ROLE "web",
     NULL, NULL, NULL, "!auth: web identity: ", "no token in it"},
    {"web token without role", "AWS_WEB_IDENTITY_TOKEN_FILE=@/good", NULL, NULL,
     NULL, "!auth: web identity: a token file is set, but no role"},

    /* ---- files and variables that are off ---- */
    {"secret missing in the environment", "AWS_ACCESS_KEY_ID=AKIAENV", NULL,
     NULL, NULL,
     "!auth: environment (AWS_ACCESS_KEY_ID): the secret access key is "
     "missing"},
    {"secret missing in the file", NULL,
     "[default]\naws_access_key_id = AKIAFILE\n", NULL, NULL,
     "!auth: profile default (", "the secret access key is missing"},
    {"a comment behind the secret", NULL,
     "[default]\naws_access_key_id = AKIAFILE\n"
     "aws_secret_access_key = s3cret/value # mine\n",
     NULL, NULL, "!auth: profile default (", "is there a comment"},
    {"profile that is not there", "AWS_PROFILE=prod",
     "[dev]\n" KEYS ("AKIADEV"), "[profile test]\nregion = x\n", NULL,
     "!auth: profile \"prod\" (AWS_PROFILE) is neither in ",
     "there are test, dev"},
    {"named profile that is not there", NULL, NULL, NULL, "prod",
     "!auth: profile \"prod\" (--aws-profile)", "there is none at all"},
    {"malformed config, although the environment has keys", ENV, NULL,
     "[default]\nregion\n", NULL, "!auth: ", "config: line 2: neither"},
    {"nothing at all", NO_IMDS, NULL, NULL, NULL,
     "!auth: no credentials found.  Looked at: environment "
     "(AWS_ACCESS_KEY_ID is not set), role_arn (profile default has none), web "
     "identity (no token file is set), ",
     "instance metadata (AWS_EC2_METADATA_DISABLED is true)"},
    {"single sign-on", NO_IMDS "AWS_PROFILE=corp", NULL,
     "[profile corp]\nsso_session = corp\n", NULL,
     "!auth: no credentials found", "aws sso login --profile corp"},
    {"single sign-on with a process", NO_IMDS "AWS_PROFILE=corp", NULL,
     "[profile corp]\nsso_session = corp\n" PROCESS ("AKIAPROC"), NULL,
     "AKIAPROC|"},
    {"end that is no time", ENV "AWS_CREDENTIAL_EXPIRATION=soon", NULL, NULL,
     NULL, "!auth: environment", "Expiration is \"soon\""},

    /* ---- programs ---- */
    {"process that fails", NULL, NULL,
     "[default]\ncredential_process = /bin/sh -c 'echo one >&2; echo sign in "
     "again >&2; exit 3'\n",
     NULL,
     "!auth: profile default, credential_process: /bin/sh: exit status 3: "
     "sign in again"},
    {"process that is not there", NULL, NULL,
     "[default]\ncredential_process = /no/such/program --x\n", NULL,
     "!auth: profile default, credential_process: /no/such/program: No"},
    {"process with a quote open", NULL, NULL,
     "[default]\ncredential_process = a 'b\n", NULL,
     "!auth: profile default, credential_process: a quote without"},
    {"empty process", NULL, NULL, "[default]\ncredential_process =\n", NULL,
     "!auth: profile default, credential_process: it is empty"},
    {"process of version 2", NULL, NULL,
     "[default]\ncredential_process = echo '{\"Version\": 2}'\n", NULL,
     "!auth: ", "must have \"Version\": 1"},
    {"process without a secret", NULL, NULL,
     "[default]\ncredential_process = echo '{\"Version\": 1, "
     "\"AccessKeyId\": \"A\"}'\n",
     NULL, "!auth: ", "the secret access key is missing"},
    {"process that prints no JSON", NULL, NULL,
     "[default]\ncredential_process = echo s3cret/process\n", NULL,
     "!auth: ", "credential_process: no valid JSON"},
    {"process with keys of yesterday", NULL, NULL,
     "[default]\ncredential_process = echo '{\"Version\": 1, \"AccessKeyId\": "
     "\"A\", \"SecretAccessKey\": \"s3cret/x\", \"Expiration\": "
     "\"2025-06-14T00:00:00Z\"}'\n",
     NULL, "!auth: ", "have ended already"},
    {"process and no shell", NULL, NULL,
     "[default]\ncredential_process = echo $(id); rm -rf /nowhere\n", NULL,
     "!auth: ", "no valid JSON"},
};

static void
set_all (struct stage *s, const char *variables)
{
  CLEANUP_FREE char *copy = xstrdup (variables);
  char *rest = copy, *word;

  while ((word = strsep (&rest, " ")) != NULL) {
    CLEANUP_STRBUF struct strbuf value = STRBUF_EMPTY;
    char *equals = strchr (word, '=');

    if (equals == NULL)
      continue;
    *equals = '\0';
    strbuf_addstr (&value, "");
    for (const char *p = equals + 1; *p; p++)
      if (*p == '@')
        strbuf_addstr (&value, s->folder);
      else
        strbuf_addch (&value, *p);
    stage_set (s, word, value.buf);
  }
}

static void
run (const struct row *row)
{
  struct stage s;
  CLEANUP_FREE char *found = NULL;

  stage_init (&s);
  stage_file (&s, "good", "good-token\n");
  stage_file (&s, "old", "old-token");
  stage_file (&s, "bad", "no-token");
  stage_file (&s, "empty", "\n");
  if (row->variables)
    set_all (&s, row->variables);
  if (row->credentials)
    stage_file (&s, "credentials", row->credentials);
  if (row->config)
    stage_file (&s, "config", row->config);
  if (row->profile)
    stage_config (&s, "profile", row->profile);
  found = stage_find (&s);
  if (strncmp (found, row->found, strlen (row->found)) != 0 ||
      (row->also && strstr (found, row->also) == NULL)) {
    fprintf (stderr, "%s: %s\n", row->name, found);
    CU_FAIL ("another result");
  }
  /* Whatever is said, it is never this. */
  CU_ASSERT_PTR_NULL (strstr (found, "s3cret"));
  CU_ASSERT_PTR_NULL (strstr (found, "good-token"));
  CU_ASSERT_PTR_NULL (strstr (found, "old-token"));
  CU_ASSERT_PTR_NULL (strstr (found, "no-token"));
  stage_release (&s);
}

static void
test_rows (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    run (&rows[i]);
}

static void
test_warnings (void)
{
  struct stage s;
  CLEANUP_CREDENTIALS struct credentials *keys = NULL;

  stage_init (&s);
  set_all (&s, ENV "AWS_PROFILE=dev");
  stage_file (&s, "credentials", "[dev]\n" KEYS ("AKIADEV"));
  keys = stage_keys (&s, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (keys);
  CU_ASSERT_EQUAL_FATAL (strv_length (keys->warnings), 1);
  CU_ASSERT_PTR_NOT_NULL (strstr (keys->warnings[0], "is not used for keys"));
  stage_release (&s);
}

/* ---- the region ---- */

static void
test_region (void)
{
  static const struct {
    const char *variables, *config, *binding, *region;
  } regions[] = {
      {"AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=us-east-1", NULL, NULL,
       "eu-west-1"},
      {"AWS_DEFAULT_REGION=us-east-1", "[default]\nregion = x-y-1\n", NULL,
       "us-east-1"},
      {"", "[default]\nregion = x-y-1\n", NULL, "x-y-1"},
      {"AWS_REGION=eu-west-1", NULL, "us-east-2", "us-east-2"},
      {"", NULL, NULL, "eu-west-1"}, /* the instance's own */
      {NO_IMDS, NULL, NULL, "!no region"},
      {"AWS_REGION=evil.example/x", NULL, NULL, "!can't be an AWS region"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (regions); i++) {
    CLEANUP_ERR struct err *err = NULL;
    CLEANUP_FREE char *region = NULL;
    struct stage s;

    stage_init (&s);
    set_all (&s, regions[i].variables);
    if (regions[i].config)
      stage_file (&s, "config", regions[i].config);
    if (regions[i].binding)
      stage_config (&s, "region", regions[i].binding);
    region = aws_region_in (&s.around, &s.binding, &err);
    if (regions[i].region[0] != '!') {
      CU_ASSERT_PTR_NOT_NULL_FATAL (region);
      CU_ASSERT_STRING_EQUAL (region, regions[i].region);
    } else {
      CU_ASSERT_PTR_NOT_NULL_FATAL (err);
      CU_ASSERT_EQUAL (err->code, ERR_USAGE);
      CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, regions[i].region + 1));
    }
    stage_release (&s);
  }
}

static const struct unit_case cases[] = {
    {"rows", test_rows},
    {"warnings", test_warnings},
    {"region", test_region},
};
UNIT_MAIN ("aws/order", cases)
