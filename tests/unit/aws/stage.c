#include "stage.h"

#include <stdio.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include <base/files.h>
#include <base/json.h>
#include <base/strbuf.h>
#include <net/memory-transport.h>

#include "quoted.h"

#define OPERATOR "*:user/operator"

static const char cloud_config[] =
    "{'seed': 7, 'aws': {'auth': 'trusted',"
    " 'accounts': {'111122223333': {'keys': ["
    "   {'id': 'AKIADEV', 'secret': 'dev-secret-key-0001',"
    "    'arn': 'arn:aws:iam::111122223333:user/operator'},"
    "   {'id': 'AKIAOTHER', 'secret': 'other-secret-key-0002',"
    "    'arn': 'arn:aws:iam::111122223333:user/other'}],"
    "  'roles': ["
    "   {'arn': 'arn:aws:iam::111122223333:role/one', 'trust': ['" OPERATOR
    "'],"
    "    'max_seconds': 43200},"
    "   {'arn': 'arn:aws:iam::111122223333:role/two',"
    "    'trust': ['*:assumed-role/one/*']},"
    "   {'arn': 'arn:aws:iam::111122223333:role/outside',"
    "    'trust': ['" OPERATOR "'], 'external_id': 'xyzzy'},"
    "   {'arn': 'arn:aws:iam::111122223333:role/machine',"
    "    'trust': ['" OPERATOR "']},"
    "   {'arn': 'arn:aws:iam::111122223333:role/frommachine',"
    "    'trust': ['*:assumed-role/machine/*']},"
    "   {'arn': 'arn:aws:iam::111122223333:role/web', 'trust': [],"
    "    'web_tokens': ['good-token'], 'expired_web_tokens': ['old-token']}]}},"
    " 'regions': {'us-east-1': {'zones': ['us-east-1a']},"
    "             'eu-west-1': {'zones': ['eu-west-1a']}},"
    " 'imds': {'instance': 'i-000000000000000a1',"
    "          'role': 'arn:aws:iam::111122223333:role/machine'},"
    " 'instances': [{'id': 'i-000000000000000a1', 'zone': 'eu-west-1a'}]}}";

static const char *
variable (void *opaque, const char *name)
{
  const struct stage *s = opaque;
  size_t len = strlen (name);

  for (size_t i = s->nvariables; i > 0; i--)
    if (strncmp (s->variables[i - 1], name, len) == 0 &&
        s->variables[i - 1][len] == '=')
      return s->variables[i - 1] + len + 1;
  return NULL;
}

static void
remember (char **where, const char *text)
{
  free (*where);
  *where = text ? xstrdup (text) : NULL;
}

/* In memory nobody signs: the fake is told who calls. */
static int
ask_cloud (struct stage *s, const struct http_request *req,
           const struct http_auth *auth, struct http_reply *reply,
           int64_t *delay_ms, struct err **err)
{
  struct http_request *copy = http_request_copy (req);

  if (auth && auth->access_key_id)
    http_header_add (&copy->headers, "X-Fake-Key", auth->access_key_id);
  if (auth && auth->session_token)
    http_header_add (&copy->headers, "X-Amz-Security-Token",
                     auth->session_token->data);
  *delay_ms = fake_cloud_handle (s->cloud, copy, reply);
  http_request_release (copy);
  free (copy);
  if (reply->status > 0)
    return 0;
  return err_set (err,
                  reply->status == FAKE_NO_ANSWER ? ERR_TRANSIENT
                                                  : ERR_UNKNOWN_EFFECT,
                  "169.254.169.254: no answer");
}

static int
answer (void *opaque, const struct http_request *req,
        const struct http_auth *auth, struct http_reply *reply,
        int64_t *delay_ms, struct err **err)
{
  struct stage *s = opaque;
  int r = 0;

  s->calls++;
  remember (&s->last_url, req->url);
  remember (&s->last_body, req->body);
  remember (&s->last_authorization,
            http_header_get (&req->headers, "Authorization"));
  if (s->status) {
    reply->status = s->status;
    http_reply_set_body (reply, s->body ? s->body : "",
                         s->body ? strlen (s->body) : 0);
  } else
    r = ask_cloud (s, req, auth, reply, delay_ms, err);
  if (r == 0 && s->date)
    http_header_add (&reply->headers, "Date", s->date);
  return r;
}

static void
pass (void *opaque, int64_t ms)
{
  struct stage *s = opaque;

  fake_clock_advance (&s->clock, ms);
}

char *
stage_path (const struct stage *s, const char *name)
{
  return path_join (s->folder, name);
}

void
stage_set (struct stage *s, const char *name, const char *value)
{
  CU_ASSERT_FATAL (s->nvariables < 32);
  s->variables[s->nvariables++] = xasprintf ("%s=%s", name, value);
}

void
stage_file (struct stage *s, const char *name, const char *text)
{
  CLEANUP_FREE char *path = stage_path (s, name);
  CLEANUP_STRBUF struct strbuf sb = STRBUF_EMPTY;

  strbuf_addstr (&sb, "");
  for (; *text; text++)
    if (*text == '@')
      strbuf_addstr (&sb, s->folder);
    else
      strbuf_addch (&sb, *text);
  CU_ASSERT_EQUAL_FATAL (file_write_atomic (path, sb.buf, sb.len, 0700, NULL),
                         0);
}

void
stage_config (struct stage *s, const char *key, const char *value)
{
  json_put_str (s->binding.config, key, value);
}

void
stage_control (struct stage *s, const char *op)
{
  CLEANUP_JSON json_t *json = quoted_json (op);
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *out = fake_cloud_control (s->cloud, json, &err);

  if (out == NULL)
    fprintf (stderr, "control: %s\n", err->msg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (out);
}

void
stage_init (struct stage *s)
{
  struct memory_service service = {s, answer, pass};
  CLEANUP_JSON json_t *config = quoted_json (cloud_config);
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_FREE char *credentials = NULL, *shared = NULL;

  memset (s, 0, sizeof *s);
  fake_clock_init (&s->clock, STAGE_WALL_MS);
  s->cloud = fake_cloud_new (config, &s->clock.clock, &err);
  if (s->cloud == NULL)
    fprintf (stderr, "fake_cloud_new: %s\n", err->msg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (s->cloud);
  s->transport = memory_transport_new (&service, &s->clock.clock);
  strcpy (s->folder, "/tmp/bootmend-test-XXXXXX");
  CU_ASSERT_PTR_NOT_NULL_FATAL (mkdtemp (s->folder));
  s->around = (struct aws_surroundings){.variable = variable,
                                        .opaque = s,
                                        .clock = &s->clock.clock,
                                        .transport = s->transport};
  s->binding.config = json_object ();
  credentials = stage_path (s, "credentials");
  shared = stage_path (s, "config");
  stage_set (s, "AWS_SHARED_CREDENTIALS_FILE", credentials);
  stage_set (s, "AWS_CONFIG_FILE", shared);
  stage_set (s, "HOME", s->folder);
}

void
stage_release (struct stage *s)
{
  transport_free (s->transport);
  fake_cloud_free (s->cloud);
  folder_remove (s->folder, NULL);
  for (size_t i = 0; i < s->nvariables; i++)
    free (s->variables[i]);
  json_decref (s->binding.config);
  free (s->last_url);
  free (s->last_body);
  free (s->last_authorization);
}

struct credentials *
stage_keys (struct stage *s, struct err **err)
{
  return aws_authenticate_in (&s->around, &s->binding, err);
}

char *
stage_find (struct stage *s)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_CREDENTIALS struct credentials *keys = stage_keys (s, &err);

  CU_ASSERT ((keys == NULL) == (err != NULL));
  if (keys == NULL)
    return xasprintf ("!%s: %s", err_code_name (err->code), err->msg);
  return xasprintf ("%s|%s", keys->access_key_id, keys->source);
}

bool
stage_has (const char *text, const char *part)
{
  bool is = text && strstr (text, part);

  if (!is)
    fprintf (stderr, "no \"%s\" in: %s\n", part, text ? text : "NULL");
  return is;
}
