#include "driver.h"

#include <stdio.h>
#include <string.h>

#include <base/strbuf.h>

static const char fleet[] =
    "{'seed': 7, 'aws': {'auth': 'trusted',"
    " 'accounts': {'111122223333': {'keys': ["
    "   {'id': 'AKIAALL', 'secret': 's3cret'},"
    "   {'id': 'AKIAREAD', 'secret': 'read', 'allow': ['ec2:Describe*']},"
    "   {'id': 'AKIANOKMS', 'secret': 'x', 'deny': ['kms:*']}],"
    "  'roles': [{'arn': 'arn:aws:iam::111122223333:role/repair',"
    "    'trust': ['*:user/operator'], 'external_id': 'xyzzy',"
    "    'web_tokens': ['jwt'], 'expired_web_tokens': ['old']}]}},"
    " 'regions': {'us-east-1': {'zones': ['us-east-1a', 'us-east-1b']},"
    "             'eu-west-1': {'zones': ['eu-west-1a']}},"
    " 'imds': {'instance': '" HELPER "',"
    "          'role': 'arn:aws:iam::111122223333:role/repair'},"
    " 'groups': [{'name': 'shop', 'region': 'us-east-1'}],"
    " 'volumes': [{'id': '" SPARE "', 'zone': 'us-east-1a', 'size': 8},"
    "  {'id': '" SHARED "', 'zone': 'us-east-1a', 'multi_attach': true},"
    "  {'id': '" MANAGED "', 'zone': 'us-east-1a', 'managed': true}],"
    " 'instances': ["
    "  {'id': '" WEB "', 'name': 'web', 'zone': 'us-east-1a',"
    "   'platform': 'windows', 'public': 'auto',"
    "   'root': {'id': '" WEB_VOL "', 'boots': false,"
    "     'snapshots': [{'id': '" SNAP "'}]},"
    "   'volumes': [{'id': '" WEB_DATA "', 'device': '/dev/sdf'}]},"
    "  {'id': '" HELPER "', 'name': 'helper <&> co', 'zone': 'us-east-1a',"
    "   'root': {'id': '" HELP_VOL "'}, 'public': 'elastic'},"
    "  {'id': '" OTHER "', 'zone': 'us-east-1b', 'state': 'stopped',"
    "   'root': {'id': '" OTHER_VOL "'}},"
    "  {'id': '" SHOP "', 'zone': 'us-east-1a', 'product_codes': ['abc'],"
    "   'root': {'id': '" SHOP_VOL "', 'product_codes': ['abc']}},"
    "  {'id': '" LOCAL "', 'zone': 'us-east-1a',"
    "   'root_type': 'instance-store'},"
    "  {'id': '" LOCKED "', 'zone': 'us-east-1a',"
    "   'disable_api_stop': true, 'disable_api_termination': true},"
    "  {'id': 'i-000000000000000e1', 'zone': 'eu-west-1a'}"
    " ]}}";

void
driver_init (struct driver *d, const char *patch)
{
  memset (d, 0, sizeof *d);
  d->service = "ec2";
  d->region = "us-east-1";
  d->cloud = drive_cloud (fleet, patch, &d->clock, INT64_C (1750000000000));
}

void
driver_release (struct driver *d)
{
  driver_xml (NULL, NULL);
  drive_state (NULL, NULL, NULL);
  http_reply_release (&d->reply);
  fake_cloud_free (d->cloud);
}

static void
set_code (struct driver *d)
{
  const char *code = driver_xml (d, "Code");

  if (d->reply.status == 200)
    code = "ok";
  if (*code)
    snprintf (d->code, sizeof d->code, "%s", code);
  else
    snprintf (d->code, sizeof d->code, "status %d", d->reply.status);
}

const char *
driver_call (struct driver *d, const char *words)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FREE char *copy = xstrdup (words);
  struct strbuf form = STRBUF_EMPTY;
  char *rest = copy, *word = strsep (&rest, " ");

  http_form_add (&form, "Action", word);
  http_form_add (&form, "Version",
                 strcmp (d->service, "ec2") == 0   ? "2016-11-15"
                 : strcmp (d->service, "sts") == 0 ? "2011-06-15"
                                                   : "2011-01-01");
  while ((word = strsep (&rest, " ")) != NULL) {
    char *value = strchr (word, '=');

    if (value == NULL)
      continue;
    *value = '\0';
    http_form_add (&form, word, value + 1);
  }
  req.method = xstrdup ("POST");
  req.url = xstrdup ("https://127.0.0.1/");
  req.sign = HTTP_SIGN_SIGV4;
  req.sign_service = xstrdup (d->service);
  req.sign_region = xstrdup (d->region);
  if (d->key)
    http_header_add (&req.headers, "X-Fake-Key", d->key);
  req.body_len = form.len;
  req.body = strbuf_take (&form);
  http_reply_release (&d->reply);
  d->latency_ms = fake_cloud_handle (d->cloud, &req, &d->reply);
  set_code (d);
  return d->code;
}

void
driver_wait (struct driver *d, int64_t ms)
{
  fake_clock_advance (&d->clock, ms);
}

const char *
driver_xml (struct driver *d, const char *element)
{
  static char *text;
  CLEANUP_FREE char *tag = NULL;
  const char *at;

  free (text);
  text = NULL;
  if (d == NULL)
    return NULL;
  tag = xasprintf ("<%s>", element);
  at = d->reply.body ? strstr (d->reply.body, tag) : NULL;
  if (at == NULL)
    return "";
  at += strlen (tag);
  text = xstrndup (at, strcspn (at, "<"));
  return text;
}

size_t
driver_count (const struct driver *d, const char *text)
{
  size_t n = 0;

  for (const char *p = d->reply.body; (p = strstr (p, text)) != NULL; p++)
    n++;
  return n;
}
