/* See channel.h.  SIGPIPE has to be ignored by the program. */

#include "channel.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <base/files.h>
#include <base/secret.h>

#include "protocol.h"

#define READ_AT_ONCE (64 * 1024)

/* Two lines of the greatest length may wait before we stop reading. */
static size_t
max_buffered (const struct channel *ch)
{
  return 2 * ch->max_line + 2;
}

void
channel_init (struct channel *ch, int in_fd, int out_fd)
{
  *ch = (struct channel){.in_fd = in_fd,
                         .out_fd = out_fd,
                         .in = STRBUF_SECRET,
                         .out = STRBUF_SECRET,
                         .max_line = PROTOCOL_MAX_LINE};
  fd_set_nonblocking (in_fd);
  fd_set_nonblocking (out_fd);
}

void
channel_take_orders (struct channel *ch)
{
  ch->max_line = PROTOCOL_MAX_ORDER;
}

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
wipe_release (struct strbuf *sb)
{
  if (sb->buf)
    wipe (sb->buf, sb->cap);
  strbuf_release (sb);
}

void
channel_release (struct channel *ch)
{
  close_fd (&ch->in_fd);
  close_fd (&ch->out_fd);
  wipe_release (&ch->in);
  wipe_release (&ch->out);
}

size_t
channel_fds (const struct channel *ch, struct pollfd *fds, bool reading)
{
  size_t n = 0;

  if (reading && ch->in_fd >= 0 && ch->in.len < max_buffered (ch))
    fds[n++] = (struct pollfd){.fd = ch->in_fd, .events = POLLIN};
  if (ch->out_fd >= 0 && ch->out.len > 0)
    fds[n++] = (struct pollfd){.fd = ch->out_fd, .events = POLLOUT};
  return n;
}

void
channel_flush (struct channel *ch)
{
  size_t sent = 0;

  while (ch->out_fd >= 0 && sent < ch->out.len) {
    ssize_t n = write (ch->out_fd, ch->out.buf + sent, ch->out.len - sent);

    if (n > 0)
      sent += (size_t)n;
    else if (n == -1 && errno == EINTR)
      continue;
    else if (n == -1 && errno == EAGAIN)
      break;
    else
      close_fd (&ch->out_fd);
  }
  if (ch->out_fd < 0)
    strbuf_reset (&ch->out);
  else if (sent > 0)
    strbuf_consume (&ch->out, sent);
}

int
channel_io (struct channel *ch, struct err **err)
{
  char chunk[READ_AT_ONCE];

  channel_flush (ch);
  while (ch->in_fd >= 0 && ch->in.len < max_buffered (ch)) {
    ssize_t n = read (ch->in_fd, chunk, sizeof chunk);

    if (n > 0) {
      strbuf_add (&ch->in, chunk, (size_t)n);
      wipe (chunk, (size_t)n);
    } else if (n == 0) {
      ch->ended = true;
      close_fd (&ch->in_fd);
    } else if (errno == EAGAIN)
      break;
    else if (errno != EINTR) {
      ch->ended = true;
      err_set_errno (err, errno, "read from the peer");
      close_fd (&ch->in_fd);
      return -1;
    }
  }
  return 0;
}

void
channel_send (struct channel *ch, const json_t *message)
{
  char *line = message_line (message);

  if (ch->out_fd >= 0)
    strbuf_addstr (&ch->out, line);
  wipe (line, strlen (line));
  free (line);
}

int
channel_next (struct channel *ch, json_t **message, struct err **err)
{
  size_t looked = ch->looked <= ch->in.len ? ch->looked : 0;
  int r = message_next (&ch->in, ch->max_line, looked, message, err);

  ch->looked = r == 0 ? ch->in.len : 0;
  if (r == 0 && ch->ended && ch->in.len > 0) {
    strbuf_reset (&ch->in);
    return err_set (err, ERR_IO, "the peer ended in the middle of a line");
  }
  return r;
}

void
channel_close_output (struct channel *ch)
{
  channel_flush (ch);
  if (ch->out.len == 0)
    close_fd (&ch->out_fd);
}
