/* The words after "aws:". */

#include "unit.h"

#include <string.h>

#include <provider-aws/aws-provider.h>
#include <provider-aws/region.h>
#include <provider-aws/selector.h>

#define ID  "i-0123456789abcdef0"
#define OLD "i-01234567"

static const struct {
  const char *words, *selector; /* NULL: an error */
  const char *says;
} cases[] = {
    {ID, "{'ids':['" ID "']}", NULL},
    {ID "," OLD, "{'ids':['" ID "','" OLD "']}", NULL},
    {"*", "{'all':true}", NULL},
    {"impaired,zone=a",
     "{'filters':[{'name':'availability-zone','values':['a']}],"
     "'impaired':true}",
     NULL},
    {"name=a,name=b\\,c",
     "{'filters':[{'name':'tag:Name','values':['a','b,c']}]}", NULL},
    {"tag:a=b=c", "{'filters':[{'name':'tag:a','values':['b=c']}]}", NULL},
    {"tag:a", "{'filters':[{'name':'tag-key','values':['a']}]}", NULL},
    {"asg=x",
     "{'filters':[{'name':'tag:aws:autoscaling:groupName','values':['x']}]}",
     NULL},
    {"filter:x=y", "{'filters':[{'name':'x','values':['y']}]}", NULL},
    {"*,!name=x",
     "{'all':true,'not':[{'by':'tag','key':'Name','pattern':'x'}]}", NULL},
    {"*,!tag:k", "{'all':true,'not':[{'by':'tag','key':'k','pattern':'*'}]}",
     NULL},
    {"profile=p,region=eu-west-1," ID,
     "{'ids':['" ID "'],'profile':'p','region':'eu-west-1'}", NULL},
    {"arn:aws:ec2:eu-west-1:111122223333:instance/" ID,
     "{'ids':['" ID "'],'region':'eu-west-1'}", NULL},
    {"", NULL, "an empty word"},
    {"web-1", NULL, "name=web-1"},
    {"i-xyz", NULL, "no instance id"},
    {"i-0123456789abcdef", NULL, "no instance id"},
    {"I-0123456789ABCDEF0", NULL, "is none of"},
    {"!" ID, NULL, "names no VM"},
    {"*,!vpc=x", NULL, "can be taken out"},
    {"*," ID, NULL, "which?"},
    {"tag:=x", NULL, "needs a key"},
    {"filter:x", NULL, "needs a name and a value"},
    {"filter:x=", NULL, "needs a name and a value"},
    {"name=", NULL, "is none of"},
    {"region=,*", NULL, "needs a name"},
    {"region=a,region=b,*", NULL, "word of its own"},
    {"arn:aws:s3:::bucket", NULL, "no ARN"},
    {"arn:aws:ec2:eu-west-1:1:volume/vol-1", NULL, "no ARN"},
    {"region=us-east-1,arn:aws:ec2:eu-west-1:1:instance/" ID, NULL,
     "word of its own"},
    {ID ",", NULL, "an empty word"},
};

static void
check (const char *words, const char *wanted, const char *says)
{
  CLEANUP_JSON json_t *selector = NULL;
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_FREE char *text = NULL;
  int result = aws_selector_parse (words, &selector, &err);

  CU_ASSERT_EQUAL (result, wanted ? 0 : -1);
  if (wanted == NULL) {
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, ERR_USAGE);
    if (strstr (err->msg, says) == NULL)
      fprintf (stderr, "%s: %s\n", words, err->msg);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, says));
    return;
  }
  CU_ASSERT_STRING_EQUAL (json_str (selector, "text", ""), words);
  json_put (selector, "text", NULL);
  text = json_text (selector);
  for (char *p = text; *p; p++)
    if (*p == '"')
      *p = '\'';
  if (strcmp (text, wanted) != 0)
    fprintf (stderr, "%s: %s\n", words, text);
  CU_ASSERT_STRING_EQUAL (text, wanted);
}

static void
test_words (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (cases); i++)
    check (cases[i].words, cases[i].selector, cases[i].says);
}

static void
test_binding_words (void)
{
  CLEANUP_JSON json_t *selector = NULL, *other = NULL, *words = NULL;

  CU_ASSERT_EQUAL (aws_selector_parse ("profile=p,region=eu-west-1,*",
                                       &selector, NULL),
                   0);
  words = aws_provider.binding_words (selector);
  CU_ASSERT_STRING_EQUAL (json_str (words, "profile", ""), "p");
  CU_ASSERT_STRING_EQUAL (json_str (words, "region", ""), "eu-west-1");
  CU_ASSERT_PTR_NULL (json_object_get (selector, "profile"));
  CU_ASSERT_PTR_NULL (json_object_get (selector, "region"));
  CU_ASSERT_EQUAL (aws_selector_parse ("*", &other, NULL), 0);
  CU_ASSERT_PTR_NULL (aws_provider.binding_words (other));
}

static enum err_code
open_with (const char *config, char **region, const char **why)
{
  static char text[300];
  json_t *asked = json_loads (config, 0, NULL);
  struct binding b = {.provider = &aws_provider,
                      .region = xstrdup (""),
                      .config = json_incref (asked)};
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_FREE char *before = json_text (asked);
  CLEANUP_FREE char *after = NULL;
  enum err_code code = 0;

  if (aws_open (&b, &err) == -1) {
    code = err->code;
    snprintf (text, sizeof text, "%s", err->msg);
  }
  /* The campaign's own words stay as they are. */
  after = json_text (asked);
  CU_ASSERT_STRING_EQUAL (before, after);
  *region = b.region;
  *why = text;
  json_decref (b.config);
  json_decref (asked);
  return code;
}

static void
test_open (void)
{
  static const struct {
    const char *config, *region, *says;
  } rows[] = {
      {"{\"aws-region\": \"eu-west-1\"}", "eu-west-1", NULL},
      {"{\"aws-region\": \"eu-west-1\", \"region\": \"us-east-2\"}",
       "us-east-2", NULL},
      {"{\"aws-region\": \"eu-west-1a\"}", NULL, "eu-west-1\""},
      {"{\"aws-region\": \"evil.example/x\"}", NULL, ""},
      {"{\"aws-region\": \"eu-west-1\", \"aws-endpoint\": \"ftp://x\"}", NULL,
       "--aws-endpoint"},
      {"{\"aws-region\": \"eu-west-1\", \"aws-kms-check\": \"x\"}", NULL,
       "--aws-kms-check"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *region = NULL;
    const char *why;
    enum err_code code = open_with (rows[i].config, &region, &why);

    CU_ASSERT_EQUAL (code, rows[i].region ? 0 : ERR_USAGE);
    if (rows[i].region)
      CU_ASSERT_STRING_EQUAL (region, rows[i].region)
    else
      CU_ASSERT_PTR_NOT_NULL (strstr (why, rows[i].says));
  }
}

static const struct unit_case tests[] = {
    {"words", test_words},
    {"words of the binding", test_binding_words},
    {"what a binding means", test_open},
};

UNIT_MAIN ("aws selector", tests)
