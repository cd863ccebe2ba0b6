/* The shared files as botocore reads them. */

#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <aws-credentials/ini.h>
#include <aws-credentials/profile.h>
#include <base/files.h>
#include <base/strbuf.h>
#include <base/text.h>

static struct ini *
parse (const char *text, struct err **err)
{
  return ini_parse (secret_new (text, strlen (text)), "config", err);
}

static void
test_values (void)
{
  static const struct {
    const char *text, *section, *key, *value; /* NULL: none */
  } cases[] = {
      {"[a]\nk = v", "a", "k", "v"},
      {"[a]\nk=v\n", "a", "k", "v"},
      {"[a]\r\nk = v \r\n", "a", "k", "v"},
      {"\xef\xbb\xbf[a]\nk = v\n", "a", "k", "v"},
      {"[a]\nK = V\n", "a", "k", "V"},
      {"[a]\nk : v\n", "a", "k", "v"},
      {"[a]\nk = v=w:x\n", "a", "k", "v=w:x"},
      {"[a]\nk = v # w\n", "a", "k", "v # w"},
      {"[a]\nk = v ; w\n", "a", "k", "v ; w"},
      {"[a]\nk = \"v\"\n", "a", "k", "\"v\""},
      {"[a]\nk =\n", "a", "k", ""},
      {"# c\n; d\n[a]\n  # e\nk = v\n", "a", "k", "v"},
      {"[a]\nk = v\n[b]\nk = w\n", "b", "k", "w"},
      {"[a]\nk = v\n[b]\n", "b", "k", NULL},
      {"[a] trailing\nk = v\n", "a", "k", "v"},
      {"[a]\nk = v\n  w\n  x\n", "a", "k", "v\nw\nx"},
      {"[a]\nk = v\n  w\nl = x\n", "a", "l", "x"},
      {"[a]\nk = v\n\n  w\n\n\nl = x\n", "a", "k", "v\n\nw"},
      {"[a]\nk = v\n  # c\n  w\n", "a", "k", "v\nw"},
      {"[a]\n  k = v\n  l = w\n", "a", "l", "w"},
      {"[a]\n  k = v\n l = w\n", "a", "l", "w"},
      {"[a]\ns3 =\n  x = 1\n  y=2\nk = v\n", "a", "s3", "\nx = 1\ny=2"},
      {"[a]\ns3 =\n  [b]\nk = v\n", "a", "k", "v"},
      {"[DEFAULT]\nk = v\n[a]\n", "a", "k", "v"},
      {"[DEFAULT]\nk = v\n[a]\nk = w", "a", "k", "w"},
      {"[DEFAULT]\nk = v\n", "b", "k", NULL},
      {"[DEFAULT]\nk = v\n", "DEFAULT", "k", NULL},
      {"[a]\nk = \t v\xc3\xbc\n", "a", "k", "v\xc3\xbc"},
      {"", "a", "k", NULL},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_ERR struct err *err = NULL;
    struct ini *ini = parse (cases[i].text, &err);
    const char *value;

    CU_ASSERT_PTR_NOT_NULL_FATAL (ini);
    value = ini_get (ini, cases[i].section, cases[i].key);
    if ((value == NULL) != (cases[i].value == NULL) ||
        (value && strcmp (value, cases[i].value) != 0)) {
      fprintf (stderr, "case %zu: %s\n", i, value ? value : "NULL");
      CU_FAIL ("value");
    }
    ini_free (ini);
  }
}

static void
test_refused (void)
{
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"k = v\n", "line 1: a setting before"},
      {"[a]\n\nS3CRET\n", "line 3: neither"},
      {"[a]\n= S3CRET\n", "line 2: neither"},
      {"[a\nk = v\n", "line 1: a section's name without"},
      {"[]\n", "line 1"},
      {"[a]\nk = S3CRET\n[a]\n", "line 3: this section is there twice: a"},
      {"[a]\nk = v\nK = S3CRET\n", "line 3: this key is there twice"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_PTR_NULL (parse (cases[i].text, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, ERR_INPUT);
    if (strstr (err->msg, cases[i].says) == NULL)
      fprintf (stderr, "case %zu: %s\n", i, err->msg);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, cases[i].says));
    CU_ASSERT_PTR_NULL (strstr (err->msg, "S3CRET"));
  }
}

static void
test_refused_by_size (void)
{
  CLEANUP_ERR struct err *err = NULL, *zero = NULL, *many = NULL;
  CLEANUP_STRBUF struct strbuf sb = STRBUF_EMPTY;

  CU_ASSERT_PTR_NULL (
      ini_parse (secret_new (NULL, INI_MAX_BYTES + 1), "big", &err));
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "larger"));
  CU_ASSERT_PTR_NULL (
      ini_parse (secret_new ("[a]\nk\0 = v", 11), "zero", &zero));
  CU_ASSERT_PTR_NOT_NULL (strstr (zero->msg, "zero byte"));
  strbuf_addstr (&sb, "[a]\n");
  for (int i = 0; i < 20001; i++)
    strbuf_addf (&sb, "k%d=\n", i);
  CU_ASSERT_PTR_NULL (parse (sb.buf, &many));
  CU_ASSERT_PTR_NOT_NULL (strstr (many->msg, "too many"));
}

static void
test_nested (void)
{
  static const char lines[] = "\nsignature_version = s3v4\n"
                              "endpoint_url=http://127.0.0.1:9 \nx = ";
  CLEANUP_FREE char *url = ini_nested (lines, "endpoint_url");
  CLEANUP_FREE char *version = ini_nested (lines, "signature_version");
  CLEANUP_FREE char *empty = ini_nested (lines, "x");

  CU_ASSERT_STRING_EQUAL (url, "http://127.0.0.1:9");
  CU_ASSERT_STRING_EQUAL (version, "s3v4");
  CU_ASSERT_STRING_EQUAL (empty, "");
  CU_ASSERT_PTR_NULL (ini_nested (lines, "signature"));
  CU_ASSERT_PTR_NULL (ini_nested (NULL, "x"));
}

/* Every cut and every change of a byte of a good file is parsed or refused. */
static void
test_torn_files (void)
{
  static const char good[] =
      "\xef\xbb\xbf[default]\nregion = us-east-1\ns3 =\n  a = b\n\n  c = d\n"
      "[profile x y]\n  k : v\n # c\n  l = w\n\tm\n[DEFAULT]\nz = 1\n";
  static const char bytes[] = "\n\t []=:#;\xff";
  CLEANUP_FREE char *text = xstrdup (good);

  for (size_t i = 0; i < sizeof good; i++) {
    ini_free (ini_parse (secret_new (good, i), "cut", NULL));
    for (size_t j = 0; i < sizeof good - 1 && j < sizeof bytes - 1; j++) {
      text[i] = bytes[j];
      ini_free (parse (text, NULL));
      text[i] = good[i];
    }
  }
}

/* ---- the two files as one ---- */

struct files {
  char folder[40];
  char *credentials, *config;
};

static const char *
variable (void *opaque, const char *name)
{
  const struct files *f = opaque;

  if (strcmp (name, "AWS_SHARED_CREDENTIALS_FILE") == 0)
    return f->credentials;
  if (strcmp (name, "AWS_CONFIG_FILE") == 0)
    return f->config;
  return strcmp (name, "HOME") == 0 ? "/home/op" : NULL;
}

static void
files_init (struct files *f, const char *credentials, const char *config,
            mode_t mode)
{
  strcpy (f->folder, "/tmp/bootmend-test-XXXXXX");
  CU_ASSERT_PTR_NOT_NULL_FATAL (mkdtemp (f->folder));
  f->credentials = path_join (f->folder, "credentials");
  f->config = path_join (f->folder, "config");
  if (credentials)
    CU_ASSERT_EQUAL (file_write_atomic (f->credentials, credentials,
                                        strlen (credentials), mode, NULL),
                     0);
  CU_ASSERT_EQUAL (file_write_atomic (f->config, config, strlen (config), 0600,
                                      NULL),
                   0);
}

static void
files_release (struct files *f)
{
  folder_remove (f->folder, NULL);
  free (f->credentials);
  free (f->config);
}

static void
test_profiles (void)
{
  struct files files;
  struct aws_surroundings around = {.variable = variable, .opaque = &files};
  CLEANUP_AWS_PROFILES struct aws_profiles p = {0};
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_FREE char *names = NULL, *url = NULL, *home = NULL, *whole = NULL;

  files_init (&files,
              "[default]\naws_access_key_id = A\n[prod]\nregion = two\n"
              "[only here]\nx = 1\n",
              "[default]\nregion = one\naws_access_key_id = B\n"
              "[profile prod]\nregion = three\noutput = json\nservices = s\n"
              "[profile 'with blank']\nregion = four\n[preview]\nx = 1\n"
              "[profile]\n[profile a b c]\n[profile \"]\n"
              "[services s]\nsts =\n  endpoint_url = http://127.0.0.1:1\n",
              0600);
  CU_ASSERT_EQUAL_FATAL (aws_profiles_load (&p, &around, &err), 0);
  CU_ASSERT_STRING_EQUAL (aws_profile_get (&p, "prod", "region"), "two");
  CU_ASSERT_STRING_EQUAL (aws_profile_get (&p, "prod", "output"), "json");
  CU_ASSERT_STRING_EQUAL (aws_profile_get (&p, "with blank", "region"), "four");
  CU_ASSERT_STRING_EQUAL (aws_profile_in_config (&p, "default",
                                                 "aws_access_key_id"),
                          "B");
  CU_ASSERT_STRING_EQUAL (aws_profile_get (&p, "default", "aws_access_key_id"),
                          "A");
  CU_ASSERT (aws_profile_exists (&p, "only here"));
  CU_ASSERT (!aws_profile_exists (&p, "preview"));
  CU_ASSERT (!aws_profile_exists (&p, ""));
  CU_ASSERT (!aws_profile_exists (&p, "a"));
  names = aws_profile_names (&p);
  CU_ASSERT_STRING_EQUAL (names, "default, prod, with blank, only here");
  url = aws_profile_endpoint (&p, "prod", "sts");
  CU_ASSERT_STRING_EQUAL (url, "http://127.0.0.1:1");
  CU_ASSERT_PTR_NULL (aws_profile_endpoint (&p, "prod", "ec2"));
  CU_ASSERT_PTR_NULL (p.warning);
  home = aws_expand_home (&around, "~/.aws/config");
  CU_ASSERT_STRING_EQUAL (home, "/home/op/.aws/config");
  whole = aws_expand_home (&around, "~other/x");
  CU_ASSERT_STRING_EQUAL (whole, "~other/x");
  files_release (&files);
}

static void
test_profile_files (void)
{
  struct files files;
  struct aws_surroundings around = {.variable = variable, .opaque = &files};
  struct aws_profiles p;
  CLEANUP_ERR struct err *err = NULL;

  /* Readable by others, with keys in it. */
  files_init (&files, "[default]\naws_secret_access_key = x\n", "", 0644);
  chmod (files.credentials, 0644); /* whatever the umask is */
  CU_ASSERT_EQUAL_FATAL (aws_profiles_load (&p, &around, &err), 0);
  CU_ASSERT_PTR_NOT_NULL_FATAL (p.warning);
  CU_ASSERT_PTR_NOT_NULL (strstr (p.warning, "chmod 600"));
  aws_profiles_release (&p);
  files_release (&files);
  /* No credentials file; a malformed config. */
  files_init (&files, NULL, "[default\n", 0600);
  CU_ASSERT_EQUAL (aws_profiles_load (&p, &around, &err), -1);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "config: line 1"));
  files_release (&files);
}

static const struct unit_case cases[] = {
    {"values", test_values},
    {"refused", test_refused},
    {"refused by size", test_refused_by_size},
    {"nested", test_nested},
    {"torn files", test_torn_files},
    {"profiles", test_profiles},
    {"profile files", test_profile_files},
};
UNIT_MAIN ("aws/ini", cases)
