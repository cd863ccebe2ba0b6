#include "mask.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum where {
  IN_TEXT = 1,   /* JSON members, XML elements, parameters */
  IN_PARAM = 2,  /* parameters only: too common a word elsewhere */
  IN_HEADER = 4, /* header lines, wherever they stand */
};

/* Compared without case, '-' and '_'. */
static const struct name_row {
  const char *name;
  unsigned where;
} names[] = {
    {"accesskeyid", IN_TEXT},
    {"accesssas", IN_TEXT},
    {"accesstoken", IN_TEXT},
    {"accountkey", IN_TEXT},
    {"adminpassword", IN_TEXT},
    {"apikey", IN_TEXT | IN_HEADER},
    {"assertion", IN_TEXT},
    {"authorization", IN_HEADER | IN_TEXT},
    {"awsaccesskeyid", IN_TEXT},
    {"awssecretaccesskey", IN_TEXT},
    {"awssessiontoken", IN_TEXT},
    {"clientassertion", IN_TEXT},
    {"clientsecret", IN_TEXT},
    {"code", IN_PARAM},
    {"cookie", IN_HEADER},
    {"customdata", IN_TEXT},
    {"idtoken", IN_TEXT},
    {"key", IN_PARAM},
    {"passwd", IN_TEXT},
    {"password", IN_TEXT},
    {"passworddata", IN_TEXT},
    {"privatekey", IN_TEXT},
    {"proxyauthorization", IN_HEADER | IN_TEXT},
    {"refreshtoken", IN_TEXT},
    {"samlassertion", IN_TEXT},
    {"secret", IN_TEXT},
    {"secretaccesskey", IN_TEXT},
    {"sessiontoken", IN_TEXT},
    {"setcookie", IN_HEADER},
    {"sig", IN_TEXT},
    {"signature", IN_TEXT},
    {"subjecttoken", IN_TEXT},
    {"token", IN_TEXT},
    {"tokencode", IN_TEXT},
    {"userdata", IN_TEXT},
    {"webidentitytoken", IN_TEXT},
    {"xamzcredential", IN_TEXT | IN_HEADER},
    {"xamzsecuritytoken", IN_TEXT | IN_HEADER},
    {"xamzsignature", IN_TEXT | IN_HEADER},
    {"xapikey", IN_HEADER},
    {"xawsec2metadatatoken", IN_TEXT | IN_HEADER},
    {"xgoogapikey", IN_HEADER},
    {"xidentityheader", IN_HEADER},
    {"xmsauthorizationauxiliary", IN_HEADER},
};

/* Replies that are a secret as a whole; parts of an URL that must all be there.
 */
static const struct {
  const char *host, *path;
} secret_replies[] = {
    {"", "/latest/api/token"}, /* IMDSv2's session token, bare text */
    {"", "/latest/user-data"}, /* often full of passwords */
    {"", "/secrets/"},         /* Azure Key Vault: BitLocker keys */
    {"", "/service-accounts/default/identity"},
};

/* What is read at a position of the text. */
struct cursor {
  const char *text;
  size_t len, at;
  struct strbuf out;
};

static bool
is_word (char c)
{
  return isalnum ((unsigned char)c) || c == '_' || c == '-';
}

static unsigned
find_name (const char *word, size_t len)
{
  char plain[48];
  size_t n = 0;

  for (size_t i = 0; i < len; i++)
    if (word[i] != '-' && word[i] != '_') {
      if (n == sizeof plain - 1)
        return 0;
      plain[n++] = (char)tolower ((unsigned char)word[i]);
    }
  plain[n] = '\0';
  for (size_t i = 0; i < ARRAY_SIZE (names); i++)
    if (strcmp (names[i].name, plain) == 0)
      return names[i].where;
  return 0;
}

static char
peek (const struct cursor *c, size_t at)
{
  return at < c->len ? c->text[at] : '\0';
}

static bool
starts (const struct cursor *c, size_t at, const char *with)
{
  size_t len = strlen (with);

  return at + len <= c->len && strncasecmp (c->text + at, with, len) == 0;
}

static size_t
skip (const struct cursor *c, size_t at, const char *chars)
{
  while (at < c->len && c->text[at] && strchr (chars, c->text[at]))
    at++;
  return at;
}

static size_t
skip_to (const struct cursor *c, size_t at, const char *chars)
{
  while (at < c->len && (c->text[at] == '\0' || !strchr (chars, c->text[at])))
    at++;
  return at;
}

/* Copies up to `from`, masks up to `to`. */
static void
replace (struct cursor *c, size_t from, size_t to)
{
  strbuf_add (&c->out, c->text + c->at, from - c->at);
  if (to > from)
    strbuf_addstr (&c->out, MASKED);
  c->at = to;
}

/* Behind the opening quote at `at` - 1, which has `escapes` backslashes before
 * it: the end of the string. */
static size_t
string_end (const struct cursor *c, size_t at, size_t escapes)
{
  size_t slashes = 0;

  for (; at < c->len; at++) {
    if (c->text[at] == '\\')
      slashes++;
    else if (c->text[at] == '"' &&
             (escapes ? slashes <= escapes : slashes % 2 == 0))
      return at - slashes;
    else
      slashes = 0;
  }
  return c->len;
}

/* "name": "value" and "name": 123, also \"name\": \"value\". */
static bool
mask_json (struct cursor *c, size_t end)
{
  size_t at = skip (c, end, "\\"), value, escapes;

  if (peek (c, at) != '"')
    return false;
  at = skip (c, at + 1, " \t\r\n");
  if (peek (c, at) != ':')
    return false;
  at = skip (c, at + 1, " \t\r\n");
  value = skip (c, at, "\\");
  escapes = value - at;
  if (peek (c, value) == '"') {
    replace (c, value + 1, string_end (c, value + 1, escapes));
    return true;
  }
  if (peek (c, at) == '{' || peek (c, at) == '[')
    return false;
  replace (c, at, skip_to (c, at, ",}] \t\r\n"));
  return true;
}

/* <name>value</name>, attributes allowed. */
static bool
mask_xml (struct cursor *c, size_t start, size_t end)
{
  size_t close;

  if (start == 0 || (c->text[start - 1] != '<' && c->text[start - 1] != ':'))
    return false;
  close = skip_to (c, end, "<>");
  if (peek (c, close) != '>')
    return false;
  replace (c, close + 1, skip_to (c, close + 1, "<"));
  return true;
}

/* name=value; in a query within a query the "=" is percent-encoded, and so is
 * the "&" that ends it. */
static bool
mask_param (struct cursor *c, size_t end)
{
  static const char *const equals[] = {"=", "%3d", "\\u003d"};
  size_t i, from, to;

  for (i = 0; i < ARRAY_SIZE (equals); i++)
    if (starts (c, end, equals[i]))
      break;
  if (i == ARRAY_SIZE (equals))
    return false;
  from = end + strlen (equals[i]);
  for (to = from; to < c->len && c->text[to] &&
                  !strchr ("& \t\r\n\"'<>;,\\#", c->text[to]);
       to++)
    if (i > 0 && starts (c, to, "%26"))
      break;
  replace (c, from, to);
  return true;
}

/* Name: value, to the end of the line. */
static bool
mask_header_line (struct cursor *c, size_t end)
{
  size_t at = skip (c, end, " \t");

  if (peek (c, at) != ':')
    return false;
  at = skip (c, at + 1, " \t");
  replace (c, at, skip_to (c, at, "\r\n"));
  return true;
}

/* A BitLocker recovery password: eight groups of six digits. */
static bool
is_recovery_password (const char *word, size_t len)
{
  if (len != 55)
    return false;
  for (size_t i = 0; i < len; i++)
    if (i % 7 == 6 ? word[i] != '-' : !isdigit ((unsigned char)word[i]))
      return false;
  return true;
}

/* Tokens that show by themselves what they are. */
static bool
mask_shape (struct cursor *c, size_t start, size_t end)
{
  size_t to = end;

  while (to < c->len && (is_word (c->text[to]) || c->text[to] == '.'))
    to++;
  if ((starts (c, start, "eyJ") && to - start >= 20) ||
      starts (c, start, "ya29.") ||
      is_recovery_password (c->text + start, end - start)) {
    replace (c, start, to);
    return true;
  }
  if (starts (c, start, "bearer") && end - start == 6 && peek (c, end) == ' ') {
    size_t from = skip (c, end, " ");

    replace (c, from, skip_to (c, from, " \t\r\n\"'<>,;\\"));
    return true;
  }
  return false;
}

/* "-----BEGIN RSA PRIVATE KEY-----" and all up to its end. */
static bool
mask_pem (struct cursor *c)
{
  const char *head, *tail;

  if (!starts (c, c->at, "-----BEGIN "))
    return false;
  head = memmem (c->text + c->at, c->len - c->at, "KEY-----", 8);
  if (head == NULL ||
      memchr (c->text + c->at, '\n', (size_t)(head - c->text) - c->at))
    return false;
  tail = memmem (head, c->len - (size_t)(head - c->text), "-----END", 8);
  replace (c, (size_t)(head - c->text) + 8,
           tail ? (size_t)(tail - c->text) : c->len);
  return true;
}

/* How many characters at `at` stand for one other: "%26", "\u0026", "\n". */
static size_t
escape_length (const struct cursor *c, size_t at)
{
  size_t len = c->text[at] == '%' ? 3 : starts (c, at, "\\u") ? 6 : 0;

  if (c->text[at] == '\\' && at + 1 < c->len &&
      strchr ("bfnrt", peek (c, at + 1)))
    return 2;
  if (len == 0 || at + len > c->len)
    return 0;
  for (size_t i = len == 3 ? 1 : 2; i < len; i++)
    if (!isxdigit ((unsigned char)c->text[at + i]))
      return 0;
  return len;
}

/* One word and, if it names a secret, its value; moves on in any case. */
static void
mask_word (struct cursor *c)
{
  size_t start = c->at, end = start;
  unsigned where;

  while (end < c->len && is_word (c->text[end]))
    end++;
  if (mask_pem (c) || mask_shape (c, start, end))
    return;
  where = find_name (c->text + start, end - start);
  if ((where & IN_TEXT) && (mask_json (c, end) || mask_xml (c, start, end)))
    return;
  if ((where & (IN_TEXT | IN_PARAM)) && mask_param (c, end))
    return;
  if ((where & IN_HEADER) && mask_header_line (c, end))
    return;
  replace (c, end, end);
}

char *
mask_text (const char *text, size_t len, size_t *ret_len)
{
  struct cursor c = {.text = text, .len = len, .out = STRBUF_EMPTY};

  while (c.at < len) {
    size_t escape = escape_length (&c, c.at);

    if (escape)
      replace (&c, c.at + escape, c.at + escape);
    else if (is_word (text[c.at]))
      mask_word (&c);
    else
      replace (&c, c.at + 1, c.at + 1);
  }
  if (ret_len)
    *ret_len = c.out.len;
  return strbuf_take (&c.out);
}

char *
mask_header (const char *name, const char *value)
{
  if (find_name (name, strlen (name)) & (IN_HEADER | IN_TEXT))
    return xstrdup (MASKED);
  return mask_text (value, strlen (value), NULL);
}

bool
mask_whole_reply (const char *url)
{
  for (size_t i = 0; i < ARRAY_SIZE (secret_replies); i++)
    if (strstr (url, secret_replies[i].host) &&
        strstr (url, secret_replies[i].path))
      return true;
  return false;
}

static void
replace_all (struct strbuf *text, const char *what, size_t what_len)
{
  struct strbuf out = STRBUF_EMPTY;
  const char *at = text->buf, *end = text->buf + text->len, *hit;

  if (text->len == 0 || memmem (at, text->len, what, what_len) == NULL)
    return;
  while ((hit = memmem (at, (size_t)(end - at), what, what_len))) {
    strbuf_add (&out, at, (size_t)(hit - at));
    strbuf_addstr (&out, MASKED);
    at = hit + what_len;
  }
  strbuf_add (&out, at, (size_t)(end - at));
  wipe (text->buf, text->len);
  strbuf_release (text);
  *text = out;
}

void
mask_value (struct strbuf *text, const struct secret *secret)
{
  CLEANUP_STRBUF struct strbuf encoded = STRBUF_EMPTY;

  if (secret == NULL || secret->len < 8)
    return;
  replace_all (text, secret->data, secret->len);
  http_percent_encode (&encoded, secret->data);
  replace_all (text, encoded.buf, encoded.len);
  wipe (encoded.buf, encoded.len);
}
