/* A conversation over two file descriptors, for a poll loop.
 *
 * All four ends of this project's conversations (controller and agent,
 * supervisor and worker) need the same: lines that arrive in pieces, lines
 * that can't be written at once, an end that has to be noticed.
 *
 *   channel_init (&ch, child.out, child.in);
 *   n = channel_fds (&ch, fds);  poll (fds, n, ...);
 *   channel_io (&ch, &err);                       // never blocks
 *   while ((r = channel_next (&ch, &message, &err)) == 1) ...
 */

#ifndef BOOTMEND_CHANNEL_H
#define BOOTMEND_CHANNEL_H

#include <poll.h>
#include <stdbool.h>

#include <base/json.h>
#include <base/strbuf.h>

struct channel {
  int in_fd;  /* read from; -1 after its end */
  int out_fd; /* written to; -1 when closed or the reader has gone */
  struct strbuf in, out;
  size_t max_line; /* PROTOCOL_MAX_LINE */
  size_t looked;   /* so much of `in` has no newline */
  bool ended;      /* the peer's end of input was seen; what is in `in` stays */
};

#define CHANNEL_MAX_FDS 2

/* Takes the descriptors over and makes them non-blocking. */
void channel_init (struct channel *ch, int in_fd, int out_fd);
/* Whoever writes to this end gives orders: its lines may be as long as
 * PROTOCOL_MAX_ORDER. */
void channel_take_orders (struct channel *ch);
/* Closes them and wipes the buffers (a line may hold a key). */
void channel_release (struct channel *ch);

/* Fills in what to wait for and returns how many (0 to CHANNEL_MAX_FDS).
 * `reading` false leaves the input alone, so that the peer has to wait. */
size_t channel_fds (const struct channel *ch, struct pollfd *fds, bool reading);

/* Reads and writes what is possible without blocking.  A reader who has gone
 * is no error: out_fd is -1 and what was to be written is dropped.  -1 for a
 * read or write error. */
int channel_io (struct channel *ch, struct err **err) ATTR_USE;
/* Only the writing half. */
void channel_flush (struct channel *ch);

/* Queues a message (borrowed). */
void channel_send (struct channel *ch, const json_t *message);

/* The next message.  1: *message is one; 0: none complete yet; -1: garbage, or
 * (ERR_IO) the input ended in the middle of a line.  A clean end is
 * ch->ended && ch->in.len == 0. */
int channel_next (struct channel *ch, json_t **message,
                  struct err **err) ATTR_USE;

/* No more will be written once the queue is empty: the peer sees the end. */
void channel_close_output (struct channel *ch);

#endif
