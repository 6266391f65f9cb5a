board-title = Übersicht für Podmins
board-navigation = Podmin
board-overview = Überblick
board-people = Leute
board-campaigns = Der ganze Pod
board-notices = Rundbriefe
board-log = Was getan wurde
board-numbers = Wie es um die Leute steht
board-accounts = Konten
board-with-archive = Mit Archiv
board-downloaded = Haben es geholt
board-moved = Umgezogen
board-untouched = Noch nichts
board-share = { $percent } Prozent
board-plot = Wie viele Konten ein Archiv hatten, es geholt hatten und umgezogen waren, von Tag zu Tag. Die Zahlen stehen in der Tabelle darunter.
board-plot-title = Von Tag zu Tag
board-plot-table = Dasselbe als Tabelle
board-day = Tag
closing-title = Die Schließung
closing-lead = Alle sehen die Stufe und die Tage. Ist der Pod aus, kannst nur noch du neue Archive anlegen lassen; ist er geschlossen, lässt sich nichts mehr abholen. Am Pod selbst ändert sich von hier aus nichts.
closing-look = Ansehen, was alle sehen
closing-stage = Abschnitt
closing-read-only-on = Nichts Neues mehr ab
closing-switch-off-on = Der Pod wird abgeschaltet am
closing-downloads-until = Archive können geholt werden bis
closing-public = Allen zeigen, wie viele ein Archiv haben
closing-keep = Merken
stage-announced = Angekündigt
stage-read-only = Nur noch lesen
stage-exporting = Archive werden erstellt
stage-downloads-open = Der Pod ist aus, Archive können geholt werden
stage-closed = Geschlossen
people-name = Benutzername, E-Mail-Adresse oder diaspora*-ID
people-find = Nachsehen
people-nobody = So heißt niemand.
people-locked = Dieses Konto ist gesperrt.
people-closed = Dieses Konto ist geschlossen.
people-archives = Archive
people-no-archive = Es gibt keines.
people-until = aufbewahrt bis { $day }
people-fetched = { $times ->
    [one] Einmal geholt, am { $time }.
   *[other] { $times }-mal geholt, zuletzt am { $time }.
 }
people-not-fetched = Nicht geholt.
people-requests = Angefordert
people-make = Ein Archiv erstellen lassen und der Person schreiben
people-failed = Konnte nicht erstellt werden
people-failed-text = Diese Leute haben darum gebeten, und es gibt kein Archiv. Sieh dir den Grund an, behebe ihn, und lass es noch einmal erstellen.
people-none-failed = Alle, die darum gebeten haben, haben ihr Archiv.
request-queued = in der Warteschlange
request-running = in Arbeit
request-done = erstellt
request-failed = konnte nicht erstellt werden
request-cancelled = angehalten
request-expired = erstellt und nach seiner Zeit gelöscht
campaigns-lead = Eine Kampagne erstellt das Archiv von allen, auch von denen, die nie darum bitten. Die Leute finden ihres, wenn sie sich anmelden.
campaigns-workers = Bei der Arbeit:
campaigns-failed = { $count ->
    [one] Ein Konto konnte nicht exportiert werden
   *[other] { $count } Konten konnten nicht exportiert werden
 }
campaigns-pause = Anhalten
campaigns-resume = Weiter
campaigns-retry = Fehlgeschlagenes noch einmal
campaigns-cancel = Aufgeben
campaigns-older = { $count ->
    [one] Eine ältere Kampagne wird nicht gezeigt.
   *[other] { $count } ältere Kampagnen werden nicht gezeigt.
 }
campaigns-begin-title = Eine Kampagne beginnen
campaigns-begin-text = Die Archive kommen verschlüsselt nach { $place }. Mach vorher eine Kopie des Schlüssels, mit: pappus keys backup
campaigns-only = Wessen Archive
only-not-closed = Alle, die nicht geschlossen sind
campaigns-keep-sign-in = Verschlüsselt aufbewahren, womit die Leute sich anmelden, damit sie ihr Archiv auch holen können, wenn der Pod nicht mehr da ist
campaigns-begin = Beginnen
campaign-sentence = { $done } von { $all } Konten sind fertig, { $size }; { $failed } fehlgeschlagen, { $skipped } ausgelassen.
campaign-sentence-empty = { $done } von { $all } Konten sind fertig; { $failed } fehlgeschlagen, { $skipped } ausgelassen.
campaign-preparing = die Liste wird geschrieben
campaign-running = läuft
campaign-paused = angehalten
campaign-cancelled = aufgegeben
campaign-finished = fertig
audience-all = Alle
audience-year = Im letzten Jahr dabei
audience-half-year = Im letzten halben Jahr dabei
audience-month = Im letzten Monat dabei
audience-not-fetched = Alle, die noch kein Archiv geholt haben
notices-lead = Ein Rundbrief geht an jede Person einmal, langsam, hinter den Mails, auf die Leute warten.
notices-preview = So sehen ihn die Leute
notices-sure = Stimmt alles? Was abgeschickt ist, kann niemand zurückholen.
notices-send = Abschicken
notices-write = Einen Rundbrief schreiben
notices-audience = An wen
notices-subject = Betreff
notices-body = Text
notices-help = Aus {"{name}"} wird der Name der Person, aus {"{pod}"} der des Pods, aus {"{link}"} die Adresse dieses Dienstes.
notices-show = Zeig mir, wie er aussieht
notices-cannot = Rundbriefe brauchen die Datenbank des Pods und einen Mailserver (mail.server in der Konfiguration).
notices-sent = Schon geschrieben
notices-none = Noch keiner.
notices-queued = ({ $count } Briefe)
notices-stop = Anhalten
notices-go-on = Weiter
notice-queueing = unterwegs
notice-stopped = angehalten
notice-queued = zum Versand übergeben
notice-template-subject = { $pod } schließt: bitte hole dein Archiv
notice-template-body = Hallo {"{name}"},

    {"{pod}"} wird schließen. Alles von dir, Beiträge, Fotos, Nachrichten und Kontakte, kommt in eine Datei für dich. Bitte hole sie:

    {"{link}"}

    Melde dich dort mit dem Namen und dem Passwort an, die du immer benutzt hast. Wenn du das Passwort vergessen hast, schickt dir die Seite einen Link. Mit der Datei kannst du später auf einen anderen Pod umziehen, und deine Freunde finden dich dort.

    Dein Podmin
log-when = Wann
log-who = Wer
log-what = Was
log-subject = Woran
log-from = Von wo
log-older = Ältere
public-title = { $pod } schließt
public-archive = Zu meinem Archiv
