/* The connection to one libvirt daemon, shared by worker threads.
 *
 * A binding's handle is a struct session.  libvirtd may be restarted in the
 * middle of a campaign, so nobody keeps a virConnectPtr: each call asks for it
 * (session_connect), which connects again when the old one is dead.
 *
 * A call may hang for ever in the daemon (a QEMU whose monitor does not
 * answer); limited.h then gives up waiting, and session_abandon makes the next
 * call use a fresh connection, because a daemon works on only five calls of
 * one client at a time.  The hanging thread keeps its own references. */

#ifndef BOOTMEND_LIBVIRT_CONNECTION_H
#define BOOTMEND_LIBVIRT_CONNECTION_H

#include <stdbool.h>

#include <libvirt/libvirt.h>

#include <base/err.h>
#include <providers/provider.h>

struct session;
struct consoles;

/* Makes the binding's handle and fills in its account; connects to nothing. */
int session_new (struct binding *b, struct err **err) ATTR_USE;
void session_close (struct binding *b);

struct session *session_ref (struct session *session);
void session_unref (struct session *session);

/* A reference to a living connection, to be given back with virConnectClose;
 * NULL with ERR_TRANSIENT (the daemon is away), ERR_AUTH, ... */
virConnectPtr session_connect (struct session *session,
                               struct err **err) ATTR_USE;
/* The connection is suspect: the next session_connect makes a new one. */
void session_abandon (struct session *session, virConnectPtr conn);

struct consoles *session_consoles (struct session *session);
const char *session_uri (const struct session *session);
/* The disks of this URI are on another machine. */
bool session_is_remote (const struct session *session);

/* What the URI says of where the daemon is. */
bool uri_is_remote (const char *uri);
/* The URI that is really opened: ssh must not ask for a password on the
 * terminal of a program that runs unattended. */
char *uri_to_open (const char *uri);

void cleanup_conn (virConnectPtr *conn);
void cleanup_domain (virDomainPtr *dom);
#define CLEANUP_CONN   CLEANUP (cleanup_conn)
#define CLEANUP_DOMAIN CLEANUP (cleanup_domain)

#endif
