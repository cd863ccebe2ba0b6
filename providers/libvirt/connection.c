#include "connection.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/uri.h>

#include "console.h"
#include "errors.h"

#define DEFAULT_URI "qemu:///system"
/* A daemon or a host that says nothing for 5 s * (5 + 1) is dead. */
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_COUNT      5

struct session {
  atomic_int refs;
  char *uri;
  bool remote;
  struct consoles *consoles;
  pthread_mutex_t lock; /* guards conn */
  virConnectPtr conn;   /* NULL: none now */
};

static void
say_nothing (void *opaque, virErrorPtr error)
{
  (void)opaque;
  (void)error;
}

/* libvirt's in-process drivers let libxml2 print. */
static void
say_nothing_xml (void *opaque, const char *fmt, ...)
{
  (void)opaque;
  (void)fmt;
}

/* libvirt's keepalive needs somebody to run its event loop.  There is one per
 * process, whatever we would like. */
static void *
run_events (void *opaque)
{
  (void)opaque;
  for (;;)
    if (virEventRunDefaultImpl () < 0)
      return NULL;
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static bool library_ready;

static void
start_library (void)
{
  pthread_attr_t attr;
  pthread_t thread;

  xmlInitParser ();
  virSetErrorFunc (NULL, say_nothing); /* libraries do not print */
  xmlThrDefSetGenericErrorFunc (NULL, say_nothing_xml);
  if (virInitialize () < 0 || virEventRegisterDefaultImpl () < 0)
    return;
  pthread_attr_init (&attr);
  pthread_attr_setdetachstate (&attr, PTHREAD_CREATE_DETACHED);
  library_ready = pthread_create (&thread, &attr, run_events, NULL) == 0;
  pthread_attr_destroy (&attr);
}

bool
uri_is_remote (const char *uri)
{
  static const char *const here[] = {"localhost", "127.0.0.1", "::1", "[::1]"};
  xmlURIPtr parsed = xmlParseURI (uri);
  bool remote = false;

  if (parsed == NULL)
    return false; /* libvirt will say what is wrong with it */
  if (parsed->scheme && strstr (parsed->scheme, "+ext"))
    remote = true; /* a command of the operator's: goes anywhere */
  else if (parsed->server && *parsed->server) {
    remote = true;
    for (size_t i = 0; i < ARRAY_SIZE (here); i++)
      if (strcmp (parsed->server, here[i]) == 0)
        remote = false;
  }
  xmlFreeURI (parsed);
  return remote;
}

char *
uri_to_open (const char *uri)
{
  const char *scheme_end = strstr (uri, "://");
  const char *ssh = strstr (uri, "+ssh://");

  if (scheme_end == NULL || ssh == NULL || ssh > scheme_end ||
      strstr (uri, "no_tty="))
    return xstrdup (uri);
  return xasprintf ("%s%cno_tty=1", uri, strchr (uri, '?') ? '&' : '?');
}

/* Is the daemon, or the way to it, only away? */
static bool
is_away (const struct err *why, virErrorPtr last)
{
  return why->code == ERR_TRANSIENT ||
         (last && last->code == VIR_ERR_SYSTEM_ERROR);
}

/* The daemon's own words, what was tried, and what to do. */
static int
connect_failed (const struct session *session, struct err **err)
{
  virErrorPtr last = virSaveLastError ();
  const char *text = last && last->message ? last->message : "";
  const char *advice = "give a URI such as qemu:///system with --libvirt-uri";
  enum err_code code = ERR_USAGE;
  CLEANUP_ERR struct err *why = NULL;

  virt_err (&why, "%s", session->uri);
  if (why->code == ERR_AUTH || why->code == ERR_DENIED ||
      strstr (text, "Permission denied") ||
      strstr (text, "system bus") || /* polkit can't be asked who we are */
      strstr (text, "Host key verification failed")) {
    code = ERR_AUTH;
    advice = session->remote
                 ? "give the account an ssh key that works without questions"
                 : "run as root, or as a member of the group libvirt";
  } else if (is_away (why, last)) {
    code = ERR_TRANSIENT;
    advice = "is its daemon running? Try virsh -c URI list";
  }
  if (last)
    virFreeError (last);
  return err_set (err, code, "can't connect to %s; %s", why->msg, advice);
}

static virConnectPtr
connect_anew (struct session *session, struct err **err)
{
  CLEANUP_FREE char *uri = uri_to_open (session->uri);
  virConnectPtr conn = virConnectOpen (uri);

  if (conn == NULL) {
    connect_failed (session, err);
    return NULL;
  }
  /* Not every driver has it (test:///default); the call then just fails. */
  virConnectSetKeepAlive (conn, KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT);
  return conn;
}

virConnectPtr
session_connect (struct session *session, struct err **err)
{
  virConnectPtr conn;

  pthread_mutex_lock (&session->lock);
  if (session->conn && virConnectIsAlive (session->conn) != 1) {
    virConnectClose (session->conn);
    session->conn = NULL;
  }
  if (session->conn == NULL)
    session->conn = connect_anew (session, err);
  conn = session->conn;
  if (conn)
    virConnectRef (conn);
  pthread_mutex_unlock (&session->lock);
  return conn;
}

void
session_abandon (struct session *session, virConnectPtr conn)
{
  /* Whoever holds the lock is connecting anew already, perhaps for long. */
  if (conn == NULL || pthread_mutex_trylock (&session->lock) != 0)
    return;
  if (session->conn == conn) {
    virConnectClose (session->conn);
    session->conn = NULL;
  }
  pthread_mutex_unlock (&session->lock);
}

static const char *
uri_of (const struct binding *b)
{
  const char *chosen = json_str (b->config, "libvirt-uri", "");
  const char *environment = getenv ("LIBVIRT_DEFAULT_URI");

  if (b->account && *b->account) /* a journal says which one it was */
    return b->account;
  if (*chosen)
    return chosen;
  return environment && *environment ? environment : DEFAULT_URI;
}

int
session_new (struct binding *b, struct err **err)
{
  struct session *session;

  pthread_once (&library_once, start_library);
  if (!library_ready)
    return virt_err (err, "libvirt's library does not start");
  session = xcalloc (1, sizeof *session);
  session->refs = 1;
  session->consoles = consoles_new ();
  session->uri = xstrdup (uri_of (b));
  session->remote = uri_is_remote (session->uri);
  pthread_mutex_init (&session->lock, NULL);
  free (b->account);
  b->account = xstrdup (session->uri);
  b->handle = session;
  return 0;
}

void
session_close (struct binding *b)
{
  session_unref (b->handle);
  b->handle = NULL;
}

struct session *
session_ref (struct session *session)
{
  atomic_fetch_add (&session->refs, 1);
  return session;
}

void
session_unref (struct session *session)
{
  if (session == NULL || atomic_fetch_sub (&session->refs, 1) > 1)
    return;
  if (session->conn)
    virConnectClose (session->conn);
  pthread_mutex_destroy (&session->lock);
  consoles_unref (session->consoles);
  free (session->uri);
  free (session);
}

struct consoles *
session_consoles (struct session *session)
{
  return session->consoles;
}

const char *
session_uri (const struct session *session)
{
  return session->uri;
}

bool
session_is_remote (const struct session *session)
{
  return session->remote;
}

void
cleanup_conn (virConnectPtr *conn)
{
  if (*conn)
    virConnectClose (*conn);
}

void
cleanup_domain (virDomainPtr *dom)
{
  if (*dom)
    virDomainFree (*dom);
}
