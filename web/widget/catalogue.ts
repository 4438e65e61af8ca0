/// All texts of the widget, one object a language. `{…}` is filled in by the caller.

const english = {
  title: 'Chat',
  subtitle: 'Ask us anything',
  placeholder: 'Write a message…',
  welcome: 'Hello! How can I help you?',
  launcher: 'Open chat',
  launcherClose: 'Close chat',
  unread: '{count} unread',
  close: 'Close chat',
  log: 'Conversation',
  you: 'You',
  assistant: 'Assistant',
  message: 'Your message',
  hint: 'Enter sends, Shift + Enter starts a new line, Escape closes the chat.',
  send: 'Send',
  stop: 'Stop the answer',
  retry: 'Try again',
  retryIn: 'Try again in {time}',
  edit: 'Edit message',
  latest: 'Newest messages',
  typing: 'The assistant is writing',
  reconnecting: 'Connection lost. Reconnecting…',
  stopped: 'Stopped',
  offline: 'You are offline. Messages can be sent when the connection is back.',
  reference: 'Reference: {id}',
  network: 'The message could not be sent. Please check your connection.',
  interrupted: 'The connection broke off before the answer was complete.',
  limited: 'That was a lot of messages. Please wait a moment.',
  busy: 'All lines are busy just now.',
  forbidden: 'Chat is not available on this page.',
  blocked: 'Chat is not available from your connection for now.',
  session: 'Your session could not be renewed.',
  tooLarge: 'The message is too long.',
  refused: 'The message was not accepted.',
  upstream: 'The assistant could not answer.',
  unavailable: 'The assistant is not available just now.',
  timeout: 'The assistant took too long to answer.',
  unknown: 'Something went wrong.',
};

export type Catalogue = typeof english;

const german: Catalogue = {
  title: 'Chat',
  subtitle: 'Wir helfen gerne weiter',
  placeholder: 'Nachricht schreiben …',
  welcome: 'Hallo! Wie kann ich helfen?',
  launcher: 'Chat öffnen',
  launcherClose: 'Chat schließen',
  unread: '{count} ungelesen',
  close: 'Chat schließen',
  log: 'Unterhaltung',
  you: 'Sie',
  assistant: 'Assistent',
  message: 'Ihre Nachricht',
  hint: 'Enter sendet, Umschalt + Enter beginnt eine neue Zeile, Escape schließt den Chat.',
  send: 'Senden',
  stop: 'Antwort anhalten',
  retry: 'Erneut versuchen',
  retryIn: 'Erneut versuchen in {time}',
  edit: 'Nachricht bearbeiten',
  latest: 'Neueste Nachrichten',
  typing: 'Der Assistent schreibt',
  reconnecting: 'Verbindung unterbrochen, wird wiederhergestellt …',
  stopped: 'Angehalten',
  offline: 'Keine Verbindung. Sobald sie wieder da ist, können Sie weiterschreiben.',
  reference: 'Kennung: {id}',
  network: 'Die Nachricht konnte nicht gesendet werden. Bitte prüfen Sie Ihre Verbindung.',
  interrupted: 'Die Verbindung ist abgebrochen, bevor die Antwort vollständig war.',
  limited: 'Das waren viele Nachrichten. Bitte warten Sie einen Moment.',
  busy: 'Gerade sind alle Plätze belegt.',
  forbidden: 'Auf dieser Seite steht der Chat nicht zur Verfügung.',
  blocked: 'Der Chat ist von Ihrem Anschluss aus zurzeit nicht erreichbar.',
  session: 'Ihre Sitzung konnte nicht erneuert werden.',
  tooLarge: 'Die Nachricht ist zu lang.',
  refused: 'Die Nachricht wurde nicht angenommen.',
  upstream: 'Der Assistent konnte nicht antworten.',
  unavailable: 'Der Assistent ist gerade nicht erreichbar.',
  timeout: 'Der Assistent hat zu lange gebraucht.',
  unknown: 'Etwas ist schiefgegangen.',
};

const arabic: Catalogue = {
  title: 'الدردشة',
  subtitle: 'يسعدنا أن نساعدك',
  placeholder: 'اكتب رسالة…',
  welcome: 'مرحبًا! كيف يمكنني مساعدتك؟',
  launcher: 'فتح الدردشة',
  launcherClose: 'إغلاق الدردشة',
  unread: 'غير مقروءة: {count}',
  close: 'إغلاق الدردشة',
  log: 'المحادثة',
  you: 'أنت',
  assistant: 'المساعد',
  message: 'رسالتك',
  hint: 'يرسل مفتاح Enter الرسالة، ويبدأ Shift + Enter سطرًا جديدًا، ويغلق Escape الدردشة.',
  send: 'إرسال',
  stop: 'إيقاف الإجابة',
  retry: 'أعد المحاولة',
  retryIn: 'أعد المحاولة بعد {time}',
  edit: 'تعديل الرسالة',
  latest: 'أحدث الرسائل',
  typing: 'المساعد يكتب',
  reconnecting: 'انقطع الاتصال، تجري إعادة الاتصال…',
  stopped: 'أُوقفت',
  offline: 'أنت غير متصل. يمكنك الإرسال عند عودة الاتصال.',
  reference: 'المرجع: {id}',
  network: 'تعذّر إرسال الرسالة. يُرجى التحقق من اتصالك.',
  interrupted: 'انقطع الاتصال قبل اكتمال الإجابة.',
  limited: 'أرسلت رسائل كثيرة. يُرجى الانتظار قليلًا.',
  busy: 'جميع الخطوط مشغولة الآن.',
  forbidden: 'الدردشة غير متاحة في هذه الصفحة.',
  blocked: 'الدردشة غير متاحة من اتصالك حاليًا.',
  session: 'تعذّر تجديد جلستك.',
  tooLarge: 'الرسالة طويلة جدًا.',
  refused: 'لم تُقبل الرسالة.',
  upstream: 'تعذّر على المساعد الإجابة.',
  unavailable: 'المساعد غير متاح الآن.',
  timeout: 'استغرق المساعد وقتًا طويلًا.',
  unknown: 'حدث خطأ ما.',
};

const catalogues: Readonly<Record<string, Catalogue>> = { en: english, de: german, ar: arabic };
const rightToLeft = ['ar'];

export type Direction = 'ltr' | 'rtl';

/// The language of a tag such as `de-AT` when there are texts for it, else null.
export function knownLanguage(tag: string | null | undefined): string | null {
  const language = (tag ?? '').trim().toLowerCase().split(/[-_]/)[0]!;
  return Object.prototype.hasOwnProperty.call(catalogues, language) ? language : null;
}

export function catalogueOf(language: string): Catalogue {
  return catalogues[language] ?? english;
}

export function directionOf(language: string): Direction {
  return rightToLeft.includes(language) ? 'rtl' : 'ltr';
}

export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce(
    (filled, [name, value]) => filled.split(`{${name}}`).join(value),
    text,
  );
}
