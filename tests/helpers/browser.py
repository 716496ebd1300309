"""A page in headless Chromium, driven over the DevTools protocol through a pipe: nothing to install but the browser."""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
FLAGS = ('--headless=new', '--disable-gpu', '--no-first-run', '--no-default-browser-check', '--disable-extensions',
         '--disable-background-networking', '--disable-dev-shm-usage', '--hide-scrollbars', '--mute-audio',
         '--remote-debugging-pipe')
LOCAL = ('file:', 'data:', 'about:')
KEYS = {' ': 32, 'ArrowLeft': 37, 'ArrowRight': 39}


def find_browser() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One tab. ``problems`` are the errors of its console and all that it asked of a network."""

    def __init__(self, profile, timeout=60.0):
        (read, to_browser), (from_browser, write) = os.pipe(), os.pipe()
        # The shell gives two ends the numbers 3 and 4, on which the browser expects them; until then they are larger.
        theirs = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (read, write)]
        sandbox = ['--no-sandbox'] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            ['bash', '-c', f'exec "$@" 3<&{theirs[0]} 4>&{theirs[1]}', 'bash', find_browser(), *FLAGS, *sandbox,
             f'--user-data-dir={profile}', 'about:blank'], pass_fds=theirs, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in (read, write, *theirs):
            os.close(end)
        self.input, self.output, self.timeout = to_browser, from_browser, timeout
        self.rest, self.count, self.session, self.problems = b'', 0, None, []
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.input)
        os.close(self.output)

    def call(self, method, **params):
        """The result of a command."""
        self.count += 1
        number = self.count
        message = dict(id=number, method=method, params=params) | (
            dict(sessionId=self.session) if self.session else {})
        data = json.dumps(message).encode() + b'\0'
        while data:
            data = data[os.write(self.input, data):]
        end = time.monotonic() + self.timeout
        while True:
            answer = self._message(end, method)
            self._note(answer)
            if answer.get('id') == number:
                if 'error' in answer:
                    raise RuntimeError(f'{method}: {answer["error"]}')
                return answer['result']

    def _message(self, end, method):
        while b'\0' not in self.rest:
            if not select.select([self.output], [], [], max(end - time.monotonic(), 0))[0]:
                raise TimeoutError(f'the browser does not answer {method}')
            data = os.read(self.output, 1 << 20)
            if not data:
                raise RuntimeError(f'the browser ended during {method}')
            self.rest += data
        text, _, self.rest = self.rest.partition(b'\0')
        return json.loads(text)

    def _note(self, message):
        method, params = message.get('method'), message.get('params', {})
        if method == 'Runtime.exceptionThrown':
            details = params['exceptionDetails']
            self.problems.append(details.get('exception', {}).get('description', details['text']))
        elif method == 'Log.entryAdded' and params['entry']['level'] == 'error':
            self.problems.append(params['entry']['text'])
        elif method == 'Runtime.consoleAPICalled' and params['type'] in ('error', 'assert'):
            self.problems.append(str(params['args']))
        elif method == 'Network.requestWillBeSent' and not params['request']['url'].startswith(LOCAL):
            self.problems.append(f'asks for {params["request"]["url"]}')

    def open(self, path, size=(1280, 800), address='', mobile=False):
        """Open a file and wait until it is drawn."""
        self.call('Emulation.setDeviceMetricsOverride', width=size[0], height=size[1], deviceScaleFactor=1,
                  mobile=mobile)
        self.call('Emulation.setTouchEmulationEnabled', enabled=mobile, maxTouchPoints=2 if mobile else 1)
        self.call('Page.navigate', url='about:blank')
        self.call('Page.navigate', url=path.resolve().as_uri() + address)
        self.wait('window.viewer && viewer.stats.draws > 0')

    def run(self, expression):
        """The value of an expression of JavaScript."""
        found = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in found:
            raise RuntimeError(f'{expression}: {found["exceptionDetails"]["exception"].get("description")}')
        return found['result'].get('value')

    def wait(self, expression, seconds=20.0):
        end = time.monotonic() + seconds
        while not self.run(expression):
            if time.monotonic() > end:
                raise TimeoutError(f'{expression} did not become true; {self.problems}')
            time.sleep(0.03)

    def drawn(self):
        """Wait until what was changed is drawn."""
        self.run('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))')

    def drag(self, start, *stops, button='left'):
        """Press the mouse, move it, release it; pixels."""
        places = [start, *stops]
        for kind, (x, y), pressed in [('mousePressed', start, 1), *[('mouseMoved', stop, 1) for stop in stops],
                                      ('mouseReleased', places[-1], 0)]:
            self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, button=button, buttons=pressed, clickCount=1)
        self.drawn()

    def click(self, selector, share=(0.5, 0.5)):
        """Click on an element, at a share of its width and height."""
        left, top, width, height = self.run(
            f'(r => [r.left, r.top, r.width, r.height])(document.querySelector({json.dumps(selector)})'
            '.getBoundingClientRect())')
        self.drag((left + share[0] * width, top + share[1] * height))

    def touch(self, *steps):
        """Fingers that touch, move and leave; each step is a list of places in pixels."""
        for number, places in enumerate(steps):
            self.call('Input.dispatchTouchEvent', type='touchMove' if number else 'touchStart',
                      touchPoints=[dict(x=x, y=y, id=k) for k, (x, y) in enumerate(places)])
        self.call('Input.dispatchTouchEvent', type='touchEnd', touchPoints=[])
        self.drawn()

    def wheel(self, x, y, delta):
        self.call('Input.dispatchMouseEvent', type='mouseWheel', x=x, y=y, deltaX=0, deltaY=delta)
        self.drawn()

    def press(self, key):
        text = dict(text=key) if len(key) == 1 else {}
        common = dict(key=key, windowsVirtualKeyCode=KEYS.get(key, ord(key[0].upper())))
        self.call('Input.dispatchKeyEvent', type='keyDown', **common, **text)
        self.call('Input.dispatchKeyEvent', type='keyUp', **common)
        self.drawn()

    def screenshot(self, path=None) -> bytes:
        """The page as PNG."""
        data = base64.b64decode(self.call('Page.captureScreenshot', format='png')['data'])
        if path is not None:
            path.write_bytes(data)
        return data
