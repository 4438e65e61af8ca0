/// What a visitor reads beside a captcha. `{provider}` is filled in.

const english = {
  title: 'Please confirm that you are a person',
  text: '{provider} checks this. Your message is sent afterwards.',
  loading: 'The check is being loaded…',
  ready: 'The check is ready.',
  failed: 'That did not work. Please try again.',
  blocked:
    'The check could not be loaded: this page or your browser prevents it. Please try again later.',
  cancel: 'Cancel',
  close: 'Close',
};

export type CaptchaTexts = typeof english;

const german: CaptchaTexts = {
  title: 'Bitte bestätigen Sie, dass Sie ein Mensch sind',
  text: '{provider} prüft das. Danach wird Ihre Nachricht gesendet.',
  loading: 'Die Prüfung wird geladen …',
  ready: 'Die Prüfung ist bereit.',
  failed: 'Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.',
  blocked:
    'Die Prüfung konnte nicht geladen werden: Diese Seite oder Ihr Browser verhindert es. Bitte versuchen Sie es später noch einmal.',
  cancel: 'Abbrechen',
  close: 'Schließen',
};

const arabic: CaptchaTexts = {
  title: 'يُرجى تأكيد أنك إنسان',
  text: 'يتحقق {provider} من ذلك، ثم تُرسل رسالتك.',
  loading: 'يجري تحميل التحقق…',
  ready: 'التحقق جاهز.',
  failed: 'لم ينجح ذلك. يُرجى المحاولة مرة أخرى.',
  blocked: 'تعذّر تحميل التحقق: تمنعه هذه الصفحة أو متصفحك. يُرجى المحاولة لاحقًا.',
  cancel: 'إلغاء',
  close: 'إغلاق',
};

const all: Readonly<Record<string, CaptchaTexts>> = { en: english, de: german, ar: arabic };

/// `language`: one that the widget has texts for.
export function captchaTextsIn(language: string): CaptchaTexts {
  return all[language] ?? english;
}
