#include "url-rules.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include <base/text.h>

#include "curl-internal.h"

static bool
is_local_ipv6 (const unsigned char *a)
{
  static const unsigned char loopback[16] = {[15] = 1};
  static const unsigned char ec2[4] = {0xfd, 0x00, 0x0e, 0xc2};
  static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

  if (memcmp (a, mapped, sizeof mapped) == 0)
    return a[12] == 127 || (a[12] == 169 && a[13] == 254);
  return memcmp (a, loopback, sizeof loopback) == 0 ||
         memcmp (a, ec2, sizeof ec2) == 0 ||
         (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}

bool
address_is_local (const char *address)
{
  CLEANUP_FREE char *bare = xstrndup (address, strcspn (address, "%"));
  unsigned char a[16];

  if (inet_pton (AF_INET, bare, a) == 1)
    return a[0] == 127 || (a[0] == 169 && a[1] == 254);
  return inet_pton (AF_INET6, bare, a) == 1 && is_local_ipv6 (a);
}

static bool
host_is_local (const char *host)
{
  static const char *const names[] = {"localhost", "metadata.google.internal"};

  for (size_t i = 0; i < ARRAY_SIZE (names); i++)
    if (strcasecmp (names[i], host) == 0)
      return true;
  return address_is_local (host);
}

static char *
url_part (CURLU *url, CURLUPart part)
{
  char *text = NULL, *copy;

  if (curl_url_get (url, part, &text, 0) != CURLUE_OK)
    return NULL;
  copy = xstrdup (text);
  curl_free (text);
  return copy;
}

static void
strip_brackets (char *host)
{
  size_t len = strlen (host);

  if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
    memmove (host, host + 1, len - 2);
    host[len - 2] = '\0';
  }
}

static int
check_parts (CURLU *parsed, struct url_facts *facts, struct err **err)
{
  CLEANUP_FREE char *scheme = url_part (parsed, CURLUPART_SCHEME);
  CLEANUP_FREE char *user = url_part (parsed, CURLUPART_USER);
  CLEANUP_FREE char *shown = NULL;

  facts->host = url_part (parsed, CURLUPART_HOST);
  if (scheme == NULL || facts->host == NULL || facts->host[0] == '\0')
    return err_set (err, ERR_USAGE, "an address without scheme or host");
  strip_brackets (facts->host);
  shown = text_printable (facts->host);
  if (user)
    return err_set (err, ERR_USAGE,
                    "%s: a user name in an address is not supported", shown);
  facts->local = host_is_local (facts->host);
  facts->plain_http = strcmp (scheme, "http") == 0;
  if (facts->plain_http && !facts->local)
    return err_set (err, ERR_USAGE,
                    "http://%s: only this machine and metadata services may be "
                    "called without TLS; use https://%s",
                    shown, shown);
  if (!facts->plain_http && strcmp (scheme, "https") != 0)
    return err_set (err, ERR_USAGE, "%s://%s: not an https address", scheme,
                    shown);
  return 0;
}

int
url_check (const char *url, struct url_facts *facts, struct err **err)
{
  CURLU *parsed;
  CURLUcode code;
  int ret;

  memset (facts, 0, sizeof *facts);
  curl_use ();
  parsed = curl_url ();
  if (parsed == NULL)
    abort ();
  code = curl_url_set (parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
  if (code != CURLUE_OK) {
    CLEANUP_FREE char *shown = text_printable (url);

    shown[strcspn (shown, "?#")] = '\0';
    ret = err_set (err, ERR_USAGE, "%s: %s", shown, curl_url_strerror (code));
  } else
    ret = check_parts (parsed, facts, err);
  curl_url_cleanup (parsed);
  if (ret == -1)
    url_facts_release (facts);
  return ret;
}

void
url_facts_release (struct url_facts *facts)
{
  free (facts->host);
  facts->host = NULL;
}

char *
url_for_log (const char *url)
{
  CLEANUP_FREE char *text = xstrndup (url, strcspn (url, "?#"));
  char *scheme_end = strstr (text, "://");
  char *host = scheme_end ? scheme_end + 3 : text;
  char *path = host + strcspn (host, "/");
  char *at = memrchr (host, '@', (size_t)(path - host));

  if (at)
    memmove (host, at + 1, strlen (at + 1) + 1);
  return text_printable (text);
}
