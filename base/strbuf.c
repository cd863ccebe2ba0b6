#include "strbuf.h"

#include <stdio.h>
#include <string.h>

#include "secret.h"

/* realloc would leave the old bytes where they were. */
static void
grow_wiping (struct strbuf *sb)
{
  char *grown = xmalloc (sb->cap);

  if (sb->buf) {
    memcpy (grown, sb->buf, sb->len + 1);
    wipe (sb->buf, sb->len);
  }
  free (sb->buf);
  sb->buf = grown;
}

static void
grow (struct strbuf *sb, size_t extra)
{
  size_t need = sb->len + extra + 1;

  if (need <= sb->cap)
    return;
  sb->cap = need > sb->cap * 2 ? need : sb->cap * 2;
  if (sb->secret)
    grow_wiping (sb);
  else
    sb->buf = xrealloc (sb->buf, sb->cap, 1);
}

void
strbuf_add (struct strbuf *sb, const void *data, size_t len)
{
  grow (sb, len);
  if (len)
    memcpy (sb->buf + sb->len, data, len);
  sb->len += len;
  sb->buf[sb->len] = '\0';
}

void
strbuf_addstr (struct strbuf *sb, const char *s)
{
  strbuf_add (sb, s, strlen (s));
}

void
strbuf_addch (struct strbuf *sb, char c)
{
  strbuf_add (sb, &c, 1);
}

void
strbuf_add_utf8 (struct strbuf *sb, uint32_t c)
{
  if (c < 0x80)
    strbuf_addch (sb, (char)c);
  else if (c < 0x800) {
    strbuf_addch (sb, (char)(0xc0 | c >> 6));
    strbuf_addch (sb, (char)(0x80 | (c & 0x3f)));
  } else if (c < 0x10000) {
    strbuf_addch (sb, (char)(0xe0 | c >> 12));
    strbuf_addch (sb, (char)(0x80 | (c >> 6 & 0x3f)));
    strbuf_addch (sb, (char)(0x80 | (c & 0x3f)));
  } else {
    strbuf_addch (sb, (char)(0xf0 | c >> 18));
    strbuf_addch (sb, (char)(0x80 | (c >> 12 & 0x3f)));
    strbuf_addch (sb, (char)(0x80 | (c >> 6 & 0x3f)));
    strbuf_addch (sb, (char)(0x80 | (c & 0x3f)));
  }
}

void
strbuf_addf (struct strbuf *sb, const char *fmt, ...)
{
  CLEANUP_FREE char *text = NULL;
  va_list args;

  va_start (args, fmt);
  text = xvasprintf (fmt, args);
  va_end (args);
  strbuf_addstr (sb, text);
  if (sb->secret)
    wipe (text, strlen (text));
}

void
strbuf_consume (struct strbuf *sb, size_t n)
{
  memmove (sb->buf, sb->buf + n, sb->len - n + 1);
  sb->len -= n;
  if (sb->secret)
    wipe (sb->buf + sb->len + 1, n);
}

void
strbuf_reset (struct strbuf *sb)
{
  if (sb->secret && sb->buf)
    wipe (sb->buf, sb->len);
  sb->len = 0;
  if (sb->buf)
    sb->buf[0] = '\0';
}

void
strbuf_release (struct strbuf *sb)
{
  if (sb->secret && sb->buf)
    wipe (sb->buf, sb->len);
  free (sb->buf);
  sb->buf = NULL;
  sb->len = sb->cap = 0;
}

char *
strbuf_take (struct strbuf *sb)
{
  char *s = sb->buf ? sb->buf : xstrdup ("");

  sb->buf = NULL;
  sb->len = sb->cap = 0;
  return s;
}
