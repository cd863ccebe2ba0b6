#include "xml.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>

#include <base/secret.h>
#include <base/text.h>

#define X(text) ((const xmlChar *)(text))

xmlDocPtr
xml_parse (const char *text, const char *what, struct err **err)
{
  /* No XML_PARSE_HUGE: libxml2's limits on depth and size of names hold. */
  const int options = XML_PARSE_NONET | XML_PARSE_NOERROR |
                      XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;
  size_t len = strlen (text);
  xmlDocPtr doc;

  if (len > XML_MAX_BYTES) {
    err_set (err, ERR_INPUT, "%s: XML of %zu bytes; the limit is %d", what, len,
             XML_MAX_BYTES);
    return NULL;
  }
  /* Neither libvirt nor a cloud writes a DTD; with one come entities, and with
   * them files and sizes from nowhere. */
  if (strstr (text, "<!DOCTYPE")) {
    err_set (err, ERR_INPUT, "%s: XML with a DTD", what);
    return NULL;
  }
  doc = xmlReadMemory (text, (int)len, NULL, "UTF-8", options);
  if (doc == NULL || xmlDocGetRootElement (doc) == NULL || doc->intSubset) {
    xmlErrorPtr last = xmlGetLastError ();
    CLEANUP_FREE char *why =
        text_printable (last && last->message ? last->message : "no element");
    size_t end = strlen (why);

    if (end >= 4 && strcmp (why + end - 4, "\\x0a") == 0)
      why[end - 4] = '\0';
    err_set (err, ERR_INPUT, "%s: no valid XML: %s", what, why);
    xmlFreeDoc (doc);
    return NULL;
  }
  return doc;
}

static void
wipe_what_is_freed (void)
{
  /* Its own are malloc and free, so what was allocated before is no problem. */
  xmlMemSetup (wiping_free, malloc, wiping_realloc, strdup);
}

void
xml_wipe_freed (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, wipe_what_is_freed);
}

void
cleanup_xml (xmlDocPtr *doc)
{
  xmlFreeDoc (*doc);
}

bool
xml_is (const xmlNode *node, const char *name)
{
  return node && node->type == XML_ELEMENT_NODE &&
         xmlStrEqual (node->name, X (name));
}

static xmlNodePtr
element_from (xmlNodePtr node)
{
  while (node && node->type != XML_ELEMENT_NODE)
    node = node->next;
  return node;
}

xmlNodePtr
xml_first (const xmlNode *node)
{
  return node ? element_from (node->children) : NULL;
}

xmlNodePtr
xml_next (const xmlNode *node)
{
  return node ? element_from (node->next) : NULL;
}

xmlNodePtr
xml_child (const xmlNode *node, const char *name)
{
  for (xmlNodePtr c = xml_first (node); c; c = xml_next (c))
    if (xml_is (c, name))
      return c;
  return NULL;
}

xmlNodePtr
xml_again (const xmlNode *node)
{
  for (xmlNodePtr c = xml_next (node); c; c = xml_next (c))
    if (xmlStrEqual (c->name, node->name))
      return c;
  return NULL;
}

static char *
ours (xmlChar *text)
{
  char *copy = text ? xstrdup ((const char *)text) : NULL;

  xmlFree (text);
  return copy;
}

char *
xml_attr (const xmlNode *node, const char *name)
{
  return node ? ours (xmlGetNoNsProp (node, X (name))) : NULL;
}

char *
xml_attr_or (const xmlNode *node, const char *name, const char *otherwise)
{
  char *value = xml_attr (node, name);

  return value ? value : xstrdup (otherwise);
}

bool
xml_attr_is (const xmlNode *node, const char *name, const char *value)
{
  CLEANUP_FREE char *is = xml_attr (node, name);

  return is && strcmp (is, value) == 0;
}

char *
xml_text (const xmlNode *node)
{
  return node ? ours (xmlNodeGetContent (node)) : NULL;
}
